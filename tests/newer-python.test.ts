/** The newer Python of the tests is a whole one: what is packed for another Python is believed only if this is. */
import { execFile, execFileSync } from 'node:child_process'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { readModel } from '../src/model/read.ts'
import { savedWithNewerPython } from './support/newer-model.ts'
import { newerPython } from './support/newer-python.ts'
import { temporaryDirectory } from './support/python.ts'

const newer = await newerPython()
const missing = 'missing' in newer ? `: ${newer.missing}` : ''
const path = 'path' in newer ? newer.path : ''

function run(program: string, args: readonly string[]): string {
  return execFileSync(program, args, { encoding: 'utf8', cwd: temporaryDirectory() }).trim()
}

it.skipIf(missing)(`it is the same one for two who ask at a time${missing}`, async () => {
  const ask = async (): Promise<unknown> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['scripts/newer-python.mjs'])
    return JSON.parse(stdout)
  }
  expect(await Promise.all([ask(), ask()])).toEqual([newer, newer])
  expect(newer).toMatchObject({ version: expect.stringMatching(/^3\.13\.\d+$/) })
})

it.skipIf(missing)(`it has its compiled modules, and children of its own kind${missing}`, () => {
  const source = `
import multiprocessing, subprocess, sys
import bz2, ctypes, hashlib, lzma, sqlite3, ssl, zlib
if __name__ == '__main__':
    with multiprocessing.get_context('spawn').Pool(1) as pool:
        lengths = pool.map(len, ['ab'])
    child = subprocess.check_output([sys.executable, '-c', 'import sys; print(sys.version_info[:2])'], text=True)
    print(sys.executable, child.strip(), lengths)
`
  expect(run(path, ['-c', source])).toBe(`${path} (3, 13) [2]`)
})

it.skipIf(missing)(`it has pip, and makes virtual environments that have it${missing}`, () => {
  expect(run(path, ['-m', 'pip', '--version'])).toMatch(/python 3\.13\)$/)
  const venv = join(temporaryDirectory(), 'venv')
  run(path, ['-m', 'venv', venv])
  const inside = join(venv, 'bin', 'python')
  expect(run(inside, ['-c', 'import sys; print(sys.executable, sys.prefix)'])).toBe(`${inside} ${venv}`)
  expect(run(inside, ['-m', 'pip', '--version'])).toMatch(/python 3\.13\)$/)
})

it.skipIf(missing)(`nothing of this machine's own C library gets into it${missing}`, () => {
  const source = `
import ctypes, readline, sqlite3, ssl
print({line.split()[-1] for line in open('/proc/self/maps') if '.so' in line and '/.pythons/' not in line})`
  expect(run(path, ['-c', source])).toBe('set()')
})

it.skipIf(missing)(
  `it trains and saves models${missing}`,
  async () => {
    const { made, receipts } = await readModel(await savedWithNewerPython(), '.')
    expect(made.python).toMatch(/^3\.13\./)
    expect(made.packages).toHaveProperty('sklearn')
    expect(receipts).toHaveLength(1)
  },
  300_000,
)

describe('where it cannot be had, it says why', () => {
  // The script works beside itself: in a directory of its own nothing is there yet.
  const ask = (env: NodeJS.ProcessEnv): unknown => {
    const scripts = join(temporaryDirectory(), 'scripts')
    cpSync('scripts/newer-python.mjs', join(scripts, 'newer-python.mjs'))
    return JSON.parse(
      execFileSync(process.execPath, [join(scripts, 'newer-python.mjs')], { encoding: 'utf8', env }),
    )
  }

  it('without apt', () => {
    expect(ask({ PATH: '/nowhere' })).toEqual({
      missing: expect.stringMatching(/there is no apt-get here|Linux only/),
    })
  })

  it.skipIf(missing)(`without a mirror of Debian, and with one that does not answer${missing}`, () => {
    const dir = temporaryDirectory()
    const configured = (sources: string): NodeJS.ProcessEnv => {
      writeFileSync(join(dir, 'sources.list'), sources)
      const lines = ['sourcelist', 'sourceparts'].map(key => `Dir::Etc::${key} "${join(dir, `${key}`)}";`)
      writeFileSync(join(dir, 'apt.conf'), lines.join('\n').replace(/sourcelist"/, 'sources.list"'))
      return { PATH: process.env.PATH, APT_CONFIG: join(dir, 'apt.conf') }
    }
    expect(ask(configured(''))).toEqual({ missing: 'apt has no mirror of Debian configured here' })
    expect(ask(configured('deb http://127.0.0.1:1/debian bookworm main\n'))).toEqual({
      missing: expect.stringMatching(/^apt-get failed: E: .*127\.0\.0\.1/),
    })
  })
})
