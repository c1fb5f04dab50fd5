/** The directory of a Python function as it is unpacked at `/var/task`, and the layer with what its model needs. */
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { python, temporaryDirectory } from '../python.ts'
import { type ManifestChanges, writeManifest } from './manifest.ts'

/** Which Python runs a function, and which packages it may have. */
export interface PythonAtHand {
  readonly program: string
  /** A directory of packages. */
  readonly packages: string
}

let here: PythonAtHand | undefined

/** That of `make setup`. */
export function pythonHere(): PythonAtHand {
  const source = 'import cloudpickle, os; print(os.path.dirname(os.path.dirname(cloudpickle.__file__)))'
  here ??= { program: python, packages: execFileSync(python, ['-c', source], { encoding: 'utf8' }).trim() }
  return here
}

/** @param saved directory of a saved model; its files go to `model/`, except those that are `elsewhere` */
export function pythonFunction(
  saved: string,
  changes: ManifestChanges = {},
  elsewhere: readonly string[] = [],
): string {
  const root = temporaryDirectory()
  const isOurs = (path: string): boolean => !['__pycache__', '_js'].includes(basename(path))
  cpSync(resolve('python/src/thampi'), join(root, 'thampi'), { recursive: true, filter: isOurs })
  writeFileSync(join(root, 'thampi_handler.py'), 'from thampi.runtime.aws_lambda import handler\n')
  cpSync(saved, join(root, 'model'), { recursive: true })
  writeManifest(root, changes)
  for (const file of elsewhere) rmSync(join(root, 'model', file))
  return root
}

/** A layer with some packages: `/opt/python/…`. */
export function pythonLayer({ packages }: PythonAtHand, names: readonly string[] = ['cloudpickle']): string {
  const root = temporaryDirectory()
  mkdirSync(join(root, 'python'))
  for (const name of names) cpSync(join(packages, name), join(root, 'python', name), { recursive: true })
  return root
}

/** Saves models of the contracts (`contract_models.Iris`); gives their directories. */
export function savedByContract(
  names: readonly string[],
  { program, packages }: PythonAtHand = pythonHere(),
): Map<string, string> {
  const dir = temporaryDirectory()
  const source = `
import contract_doors, contract_models, lambda_support, sys
for name in sys.argv[2:]:
    file, _, model = name.partition(".")
    lambda_support.save(getattr(vars()[file], model)(), sys.argv[1] + "/" + name)
`
  const PYTHONPATH = [packages, resolve('python/src'), resolve('python/tests')].join(':')
  execFileSync(program, ['-c', source, dir, ...names], {
    env: { ...process.env, PYTHONPATH, THAMPI_QUIET: '1', PYTHONDONTWRITEBYTECODE: '1' },
  })
  return new Map(names.map(name => [name, join(dir, name, 'mymodel')]))
}
