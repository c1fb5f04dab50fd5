/** What the managed runtimes bring along, as directories: `/var/runtime` for Python and for Node. */
import { execFileSync } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { python, temporaryDirectory } from '../python.ts'

const pythonRuntimes = new Map<string, string>()
let nodeRuntime: string | undefined

/**
 * Amazon's own client (awslambdaric) and SDK (boto3), from the environment of the tests. The client's compiled part is
 * for that Python only, so one in Python lies beside it, which every other Python takes. `bin/python` is `program`
 * without any package of its own.
 */
export function managedPython(program: string): string {
  const known = pythonRuntimes.get(program)
  if (known !== undefined) return known
  const dir = temporaryDirectory()
  mkdirSync(join(dir, 'bin'))
  symlinkSync(program, join(dir, 'bin/python'))
  writeFileSync(join(dir, 'pyvenv.cfg'), `home = ${dirname(program)}\ninclude-system-site-packages = false\n`)
  const asked = [
    '-c',
    'import awslambdaric, os; print(os.path.dirname(os.path.dirname(awslambdaric.__file__)))',
  ]
  const packages = execFileSync(python, asked, { encoding: 'utf8' }).trim()
  // Copies and no links: a function sees its own scratch disk where the machine has its temporary directories, and
  // this repository may lie in one of those.
  const client = 'awslambdaric|simplejson|snapshot_restore_py(\\.py)?|runtime_client\\..*'
  const sdk = 'boto3|botocore|s3transfer|jmespath|urllib3|dateutil|six\\.py'
  const wanted = new RegExp(`^(${client}|${sdk})$`)
  for (const name of readdirSync(packages).filter(name => wanted.test(name))) {
    cpSync(join(packages, name), join(dir, name), {
      recursive: true,
      filter: path => !path.endsWith('__pycache__'),
    })
  }
  copyFileSync(resolve('tests/support/lambda/runtime_client.py'), join(dir, 'runtime_client.py'))
  pythonRuntimes.set(program, dir)
  return dir
}

/** A client of ours, and the AWS SDK for JavaScript where this repository has it. */
export function managedNode(): string {
  nodeRuntime ??= nodeRuntimeWith(resolve('tests/support/lambda/node-client.mjs'))
  return nodeRuntime
}

/** The same with another client. */
export function nodeRuntimeWith(client: string): string {
  const dir = temporaryDirectory()
  copyFileSync(client, join(dir, 'index.mjs'))
  mkdirSync(join(dir, 'node_modules'))
  const sdk = resolve('node_modules/@aws-sdk')
  if (existsSync(sdk)) symlinkSync(realpathSync(sdk), join(dir, 'node_modules/@aws-sdk'))
  return dir
}
