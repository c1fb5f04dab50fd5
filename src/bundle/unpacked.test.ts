import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../tests/support/python.ts'
import { removeReadOnly, unpackOnce } from './unpacked.ts'
import { writeZip } from './zip/write.ts'

let root: string
let archive: string
beforeEach(async () => {
  root = temporaryDirectory()
  archive = join(root, 'packages.zip')
  await writeZip(archive, [
    { path: 'python/alpha.py', executable: false, source: Buffer.from('version = 1\n') },
    { path: 'python/beta/__init__.py', executable: false, source: Buffer.from('version = 2\n') },
  ])
})

const unpack = (waiting: (pid: number) => void = () => {}): Promise<void> =>
  unpackOnce(archive, join(root, 'layers/one'), join(root, 'work'), waiting)
const at = (path: string): string => join(root, 'layers/one', path)

describe('an archive that is unpacked', () => {
  it('is whole, cannot be written to, and leaves nothing behind', async () => {
    await unpack()
    expect(readFileSync(at('python/beta/__init__.py'), 'utf8')).toBe('version = 2\n')
    for (const dir of ['', 'python', 'python/beta']) expect(statSync(at(dir)).mode & 0o777).toBe(0o555)
    expect(readdirSync(join(root, 'work'))).toEqual([])
    await removeReadOnly(join(root, 'layers'))
    expect(readdirSync(root).sort()).toEqual(['packages.zip', 'work'])
  })

  it('stays as it is when it is asked for again', async () => {
    await unpack()
    const before = statSync(at('python/alpha.py')).ino
    await unpack()
    expect(statSync(at('python/alpha.py')).ino).toBe(before)
  })

  it('is unpacked once by several at a time', async () => {
    await Promise.all([unpack(), unpack(), unpack()])
    expect(readdirSync(at('python')).sort()).toEqual(['alpha.py', 'beta'])
    expect(readdirSync(join(root, 'work'))).toEqual([])
  })

  it.each([
    ['a file is gone', () => rmSync(at('python/alpha.py'))],
    ['a file was cut off', () => writeFileSync(at('python/alpha.py'), 'ver')],
  ])('is replaced when %s', async (_, damage) => {
    await unpack()
    chmodSync(at('python'), 0o755)
    chmodSync(at('python/alpha.py'), 0o644)
    damage()
    await unpack()
    expect(readFileSync(at('python/alpha.py'), 'utf8')).toBe('version = 1\n')
    expect(statSync(at('python')).mode & 0o777).toBe(0o555)
    expect(readdirSync(join(root, 'work'))).toEqual([])
  })

  it('takes the place of what a killed one left, and of its lock', async () => {
    const work = join(root, 'work')
    for (const name of ['unpacking-one', '.unpacking-one.0123456789ab', '.unpacking-other.0123456789ab']) {
      mkdirSync(join(work, name, 'python'), { recursive: true })
      chmodSync(join(work, name, 'python'), 0o555)
    }
    writeFileSync(join(work, 'unpacking-one.lock'), JSON.stringify({ pid: 2 ** 30 }))
    await unpack(() => expect.unreachable())
    expect(readdirSync(at('python')).sort()).toEqual(['alpha.py', 'beta'])
    expect(readdirSync(work)).toEqual(['.unpacking-other.0123456789ab'])
  })

  it('is not there when the archive is damaged', async () => {
    const bytes = readFileSync(archive)
    bytes[40] = (bytes[40] ?? 0) ^ 0xff
    writeFileSync(archive, bytes)
    await expect(unpack()).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
    expect(readdirSync(join(root, 'layers'))).toEqual([])
    expect(readdirSync(join(root, 'work'))).toEqual([])
  })
})
