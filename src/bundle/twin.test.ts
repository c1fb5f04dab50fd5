import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import type { LockedWheel } from './lock/lock.ts'
import { type Requirements, readRequirements } from './requirements.ts'
import { twinOf } from './twin.ts'

const dir = mkdtempSync(join(tmpdir(), 'thampi-twin-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function read(text: string): Promise<Requirements> {
  writeFileSync(join(dir, 'requirements.txt'), text)
  return readRequirements('requirements.txt', { cwd: dir, env: {} })
}

function wheel(name: string, version: string, url = `https://example.invalid/${name}.whl`): LockedWheel {
  return { name, version, url, file: `${name}-${version}-py3-none-any.whl`, sha256: '0'.repeat(64) }
}

const texts = ({ files }: Requirements): [string, string][] => files.map(({ name, text }) => [name, text])

it('asks for the same, bound to the versions of the lock', async () => {
  const twin = twinOf(await read('alpha>=1\n'), { wheels: [wheel('alpha', '1.0'), wheel('beta', '2.0')] })
  expect(texts(twin)).toEqual([
    ['requirements.txt', 'alpha>=1\n-c lambda.txt\n'],
    ['lambda.txt', 'alpha==1.0\nbeta==2.0\n'],
  ])
  expect(twin.count).toBe(1)
})

it('binds no package of this disk, and to no build that only one index has', async () => {
  const wheels = [wheel('own', '0.1', 'file:///project/own.whl'), wheel('torch', '2.9.1+cpu')]
  expect(texts(twinOf(await read('torch\n'), { wheels }))[1]?.[1]).toBe('torch==2.9.1\n')
})

it('is the file itself when that has hashes: it names every version', async () => {
  const hashed = await read(`alpha==1.0 --hash=sha256:${'a'.repeat(64)}\n`)
  expect(twinOf(hashed, { wheels: [wheel('alpha', '1.0')] })).toBe(hashed)
})

it('writes over no file of the user that has the same name', async () => {
  writeFileSync(join(dir, 'lambda.txt'), 'gamma\n')
  const read = await readRequirements('requirements.txt', { cwd: dir, env: {} })
  const files = [
    ...read.files,
    { name: 'lambda.txt', shown: 'lambda.txt', constraint: false, text: 'gamma\n' },
  ]
  const twin = twinOf({ ...read, hashed: false, files }, { wheels: [] })
  expect(twin.files.map(({ name }) => name)).toEqual(['requirements.txt', 'lambda.txt', 'lambda-2.txt'])
})
