/** Real Python for tests: the project's virtual environment, models saved by the real SDK, a runtime layer to run. */
import { execFileSync } from 'node:child_process'
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

/** `make` sets it up; a test without it fails by name instead of being skipped. */
export const python: string = resolve(
  '.venv',
  process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python',
)
if (!existsSync(python)) throw new Error('tests need the virtual environment .venv: run `make setup`')

const sdk = resolve('python/src')

const directories: string[] = []
const removeDirectories = (): void => {
  for (const dir of directories.splice(0)) rmSync(dir, { recursive: true, force: true, maxRetries: 3 })
}
// Here and once: while tests run, vitest takes such a hook without ever calling it. Elsewhere, as in the fault suite,
// the end is that of the process.
if (process.env.VITEST) (await import('vitest')).afterAll(removeDirectories)
else process.once('exit', removeDirectories)

/** A directory that goes when the test file ends. */
export function temporaryDirectory(): string {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'thampi-test-')))
  directories.push(dir)
  return dir
}

/** Runs Python with the SDK importable; gives what it printed. */
export function runPython(source: string, cwd: string): string {
  return execFileSync(python, ['-c', source], {
    cwd,
    env: { ...process.env, PYTHONPATH: sdk, THAMPI_QUIET: '1', VIRTUAL_ENV: resolve('.venv') },
    encoding: 'utf8',
  })
}

/** Saves a model whose class body is `body`, as a training script would; gives its directory. */
export function saveModel(
  body: string,
  { name = 'model', examples = '' }: { name?: string; examples?: string } = {},
): string {
  const dir = temporaryDirectory()
  const lines = body.split('\n').map(line => `    ${line}`)
  const source = ['import os, sys, time', 'import thampi', 'class Wrapped(thampi.Model):', ...lines]
  runPython(
    [
      ...source,
      `thampi.save(Wrapped(), ${JSON.stringify(name)}, "."${examples && `, examples=${examples}`})`,
    ].join('\n'),
    dir,
  )
  return join(dir, name)
}

/** A runtime layer as the bundle makes it: a directory that Python can execute. */
export function runtimeLayer(): string {
  const dir = temporaryDirectory()
  mkdirSync(join(dir, 'thampi'))
  cpSync(join(sdk, 'thampi'), join(dir, 'thampi'), {
    recursive: true,
    filter: path => !/__pycache__|_js/.test(path),
  })
  copyFileSync(join(sdk, 'thampi/runtime/bootstrap.py'), join(dir, '__main__.py'))
  return dir
}
