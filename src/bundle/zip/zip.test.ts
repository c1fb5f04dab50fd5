import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hostileZips } from '../../../tests/support/hostile-zips.ts'
import { python } from '../../../tests/support/python.ts'
import { rawZip, wide } from '../../../tests/support/raw-zip.ts'
import { digestOf } from '../../system/files.ts'
import { contentOf, ours, readZip, unpacked } from './read.ts'
import { unpackZip } from './unpack.ts'
import { writeZip } from './write.ts'
import type { ZipEntry, ZipSource } from './zip.ts'

/** Debian's `zip` and `unzip`: other readers and writers than Python's, where they are. */
const hasInfoZip = ['zip', 'unzip'].every(program => spawnSync(program, ['-v']).status === 0)

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'thampi-zip-'))
})
afterAll(() => {
  rmSync(root, { recursive: true, force: true })
})

describe('writing', () => {
  it(`gives what Python${hasInfoZip ? ' and unzip read' : ' reads (unzip is not installed)'}`, async () => {
    const file = join(fresh(), 'a.zip')
    await writeZip(file, [
      text('b/deep/er.txt', 'x'.repeat(10_000)),
      { ...text('bin/run', '#!/bin/sh\n'), executable: true },
      text('a.txt', ''),
      text('caf\u00e9 \u4f60\u597d.txt', 'unicode'),
      text('random.bin', noise(5_000_000)),
    ])
    if (hasInfoZip) expect(execFileSync('unzip', ['-tq', file], { encoding: 'utf8' })).toContain('No errors')
    const seen = JSON.parse(
      execFileSync(python, [
        '-c',
        `import json, sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
assert archive.testzip() is None
print(json.dumps([[i.filename, i.file_size, list(i.date_time), oct(i.external_attr >> 16), i.flag_bits & 8] for i in archive.infolist()]))`,
        file,
      ]).toString(),
    )
    const date = [1980, 1, 1, 0, 0, 0]
    expect(seen).toEqual([
      ['a.txt', 0, date, '0o100644', 0],
      ['b/deep/er.txt', 10_000, date, '0o100644', 0],
      ['bin/run', 10, date, '0o100755', 0],
      ['caf\u00e9 \u4f60\u597d.txt', 7, date, '0o100644', 0],
      ['random.bin', 5_000_000, date, '0o100644', 0],
    ])
  })

  it('sorts names by their bytes, whatever order they came in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.stringMatching(/^[a-zA-Z0-9._\u00e9\u{1f600}\uff21-]{1,8}$/u), {
          selector: name => name.normalize('NFC').toUpperCase().toLowerCase(),
          maxLength: 12,
        }),
        async names => {
          const usable = names.filter(name => name !== '.' && name !== '..')
          const file = join(fresh(), 'a.zip')
          const one = await writeZip(
            file,
            usable.map(name => text(name, name)),
          )
          const other = await writeZip(
            file,
            usable.toReversed().map(name => text(name, name)),
          )
          expect(other.digest).toBe(one.digest)
          const { entries, close } = await readZip(file)
          expect(entries.map(({ path }) => path)).toEqual(
            usable.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
          )
          for (const entry of entries) expect((await contentOf(entry)).toString()).toBe(entry.path)
          await close()
        },
      ),
      { numRuns: 50 },
    )
  })

  it('knows no clock, no time zone and no mode of the disk', async () => {
    const dir = fresh()
    const source = join(dir, 'source')
    writeFileSync(source, 'the same')
    const entry = { path: 'a', executable: false, source }
    const one = await writeZip(join(dir, 'one.zip'), [entry])
    utimesSync(source, new Date(0), new Date(0))
    const zone = process.env.TZ
    process.env.TZ = 'Pacific/Kiritimati'
    const mask = process.umask(0o077)
    try {
      const other = await writeZip(join(dir, 'other.zip'), [entry])
      expect(other).toEqual({ ...one, file: other.file })
    } finally {
      process.umask(mask)
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  it('copies packed bytes as they are', async () => {
    const dir = fresh()
    const first = await writeZip(join(dir, 'one.zip'), [
      text('a', 'x'.repeat(3_000_000)),
      text('b', noise(600_000)),
    ])
    const { entries, close } = await readZip(first.file)
    const second = await writeZip(join(dir, 'two.zip'), entries)
    await close()
    expect(second.digest).toBe(first.digest)
    expect(second.unpackedBytes).toBe(3_600_000)
  })

  it('refuses names that would be one file, and names that lead out', async () => {
    const file = join(fresh(), 'a.zip')
    for (const names of [['a', 'A'], ['a', 'a'], ['a', 'a/b'], ['../a'], ['/a'], ['a\\b']]) {
      await expect(
        writeZip(
          file,
          names.map(name => text(name, '')),
        ),
      ).rejects.toMatchObject({ code: 'INTERNAL' })
    }
    expect(existsSync(file)).toBe(false)
  })

  it('notices a source that is no longer what it was, small or big, and leaves nothing', async () => {
    const dir = fresh()
    for (const size of [10, 6_000_000]) {
      const source = join(dir, `source-${size}`)
      writeFileSync(source, noise(size))
      const digest = digestOf('something else')
      const writing = writeZip(join(dir, 'out', 'a.zip'), [{ path: 'a', executable: false, source, digest }])
      await expect(writing).rejects.toMatchObject({ code: 'PROJECT_INVALID' })
    }
    expect(readdirSync(join(dir, 'out'))).toEqual([])
  })

  it('gets its name when it is approved, else it is gone', async () => {
    const file = join(fresh(), 'a.zip')
    let approve = (): void => {}
    const approved = new Promise<void>(resolve => {
      approve = resolve
    })
    const writing = writeZip(file, [text('a', 'one')], approved)
    await expect.poll(() => readdirSync(dirname(file))).toEqual([expect.stringMatching(/^\.a\.zip\./)])
    approve()
    expect((await writing).digest).toBe(digestOf(readFileSync(file)))
    const refused = writeZip(file, [text('a', 'two')], Promise.reject(new Error('not like this')))
    await expect(refused).rejects.toThrow('not like this')
    expect(await contents(file)).toEqual({ a: 'one' })
    expect(readdirSync(dirname(file))).toEqual(['a.zip'])
  })

  it('replaces an archive whole', async () => {
    const file = join(fresh(), 'a.zip')
    await writeZip(file, [text('a', 'one')])
    const gone = { path: 'b', executable: false, source: join(root, 'not-there') }
    await expect(writeZip(file, [text('a', 'two'), gone])).rejects.toMatchObject({ code: 'ENOENT' })
    expect(await contents(file)).toEqual({ a: 'one' })
    expect(readdirSync(dirname(file))).toEqual(['a.zip'])
  })
})

describe('64 bit numbers', () => {
  it('are written where they are needed, and read again', async () => {
    const file = join(fresh(), 'wide.zip')
    const bytes = 5 * 1024 ** 3
    // Its packed bytes are never read here: the archive is made of a hole.
    const huge: ZipEntry = {
      ...entryOf('b.bin', Buffer.alloc(0)),
      bytes,
      packedBytes: 4096,
      method: 8,
      open: async function* () {
        yield Buffer.alloc(4096)
      },
    }
    await writeZip(file, [text('a', 'before'), huge, text('c', 'behind')])
    const { entries, close } = await readZip(file, { entries: 10, bytes: 8 * 1024 ** 3, ratio: 1e9 })
    expect(entries.map(entry => [entry.path, entry.bytes])).toEqual([
      ['a', 6],
      ['b.bin', bytes],
      ['c', 6],
    ])
    expect((await contentOf(entries[2] as ZipEntry)).toString()).toBe('behind')
    await close()
    const seen = execFileSync(python, [
      '-c',
      'import sys, zipfile; print(zipfile.ZipFile(sys.argv[1]).getinfo("b.bin").file_size)',
      file,
    ])
    expect(Number(seen.toString())).toBe(bytes)
  })

  it('count the files when there are more than 65,535', async () => {
    const file = join(fresh(), 'many.zip')
    const empty = entryOf('', Buffer.alloc(0))
    const names = Array.from({ length: 65_600 }, (_, i) => `${i}`)
    await writeZip(
      file,
      names.map(path => ({ ...empty, path })),
    )
    const { entries, close } = await readZip(file, { entries: 100_000, bytes: 1, ratio: 1 })
    await close()
    expect(entries.length).toBe(65_600)
    const seen = execFileSync(python, [
      '-c',
      'import sys, zipfile; print(len(zipfile.ZipFile(sys.argv[1]).namelist()))',
      file,
    ])
    expect(Number(seen.toString())).toBe(65_600)
  })

  it('may stand in an archive that does not need them', async () => {
    const file = join(fresh(), 'needless.zip')
    const content = 'tiny'
    const none = { packedBytes: 0xffffffff, bytes: 0xffffffff }
    const packed = rawZip([{ name: 'a', content, method: 0, central: none, extra: wide(4n, 4n) }])
    writeFileSync(file, packed)
    expect(await contents(file)).toEqual({ a: content })
  })
})

describe('reading', () => {
  it(`takes what Python${hasInfoZip ? ' and zip write' : ' writes (zip is not installed)'}, also as a stream`, async () => {
    const dir = fresh()
    writeFileSync(join(dir, 'a.txt'), 'x'.repeat(1000))
    if (hasInfoZip) execFileSync('zip', ['-q', 'zip.zip', 'a.txt'], { cwd: dir })
    execFileSync(python, [
      '-c',
      `import sys, zipfile
class Pipe:
    def __init__(self, file): self.file = file
    def write(self, data): return self.file.write(data)
    def flush(self): self.file.flush()
with open(sys.argv[1], "wb") as file, zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_DEFLATED) as archive:
    archive.writestr("a.txt", "x" * 1000)
    archive.writestr("dir/", "")`,
      join(dir, 'stream.zip'),
    ])
    for (const name of [...(hasInfoZip ? ['zip.zip'] : []), 'stream.zip']) {
      expect(await contents(join(dir, name))).toEqual({ 'a.txt': 'x'.repeat(1000) })
    }
  })

  it('notices one changed byte, wherever it is', async () => {
    const dir = fresh()
    const { file } = await writeZip(join(dir, 'a.zip'), [
      text('name', 'content of it'.repeat(20)),
      text('x', 'y'),
    ])
    const whole = readFileSync(file)
    // Of these nothing depends: times and versions.
    let unnoticed = 0
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole)
      changed[at] = (changed[at] as number) ^ 0xff
      writeFileSync(file, changed)
      const found = await contents(file).catch(() => undefined)
      if (found === undefined) continue
      unnoticed += 1
      const same = Object.values(found).sort().join()
      expect(same).toBe(['content of it'.repeat(20), 'y'].sort().join())
    }
    expect(unnoticed).toBeLessThan(whole.length / 3)
  })

  it('lets go of a file that is not read to its end', async () => {
    const file = join(fresh(), 'a.zip')
    await writeZip(file, [text('big', noise(20_000_000))])
    const { entries, close } = await readZip(file)
    for await (const piece of unpacked(entries[0] as ZipEntry)) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    await close()
    truncateSync(file)
  })
})

describe('unpacking', () => {
  it('gives back what was packed, with the programs executable', async () => {
    const dir = fresh()
    const files = {
      'a/b/c.txt': 'deep',
      'run.sh': '#!/bin/sh\n',
      'big.bin': noise(9_000_000).toString('latin1'),
    }
    const { file } = await writeZip(
      join(dir, 'a.zip'),
      Object.entries(files).map(([path, content]) => ({
        ...text(path, Buffer.from(content, 'latin1')),
        executable: path === 'run.sh',
      })),
    )
    await unpackZip(file, join(dir, 'out'))
    for (const [path, content] of Object.entries(files)) {
      expect(readFileSync(join(dir, 'out', path), 'latin1')).toBe(content)
    }
    expect(statSync(join(dir, 'out', 'run.sh')).mode & 0o100).toBe(0o100)
    expect(statSync(join(dir, 'out', 'a/b/c.txt')).mode & 0o111).toBe(0)
    expect(readdirSync(dir).sort()).toEqual(['a.zip', 'out'])
  })

  it('takes as much of our own as there is, and of others as much as is sensible', async () => {
    const dir = fresh()
    const { file } = await writeZip(join(dir, 'a.zip'), [text('zeros', Buffer.alloc(20_000_000))])
    await expect(unpackZip(file, join(dir, 'theirs'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
    await unpackZip(file, join(dir, 'ours'), ours)
    expect(statSync(join(dir, 'ours', 'zeros')).size).toBe(20_000_000)
  })

  it('does not touch what is there already', async () => {
    const dir = fresh()
    const { file } = await writeZip(join(dir, 'a.zip'), [text('new', 'x')])
    mkdirSync(join(dir, 'out'))
    writeFileSync(join(dir, 'out', 'mine'), 'mine')
    await expect(unpackZip(file, join(dir, 'out'))).rejects.toThrow()
    expect(readdirSync(join(dir, 'out'))).toEqual(['mine'])
    expect(readdirSync(dir).sort()).toEqual(['a.zip', 'out'])
  })

  describe('refuses, and leaves nothing of it', () => {
    for (const { name, bytes } of hostileZips('/nowhere', 'out-evil')) {
      it(name, async () => {
        const dir = fresh()
        mkdirSync(join(dir, 'here'))
        writeFileSync(join(dir, 'a.zip'), bytes)
        const refusal = await unpackZip(join(dir, 'a.zip'), join(dir, 'here', 'out')).catch(error => error)
        expect(refusal).toMatchObject({ code: 'ARCHIVE_INVALID' })
        expect(readdirSync(dir).sort()).toEqual(['a.zip', 'here'])
        expect(readdirSync(join(dir, 'here'))).toEqual([])
      })
    }
  })
})

function fresh(): string {
  return mkdtempSync(join(root, 'case-'))
}

function text(path: string, content: string | Buffer): ZipSource {
  return { path, executable: false, source: Buffer.from(content as string) }
}

/** Bytes that do not pack. The same every time: a multiplicative generator. */
function noise(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let state = 1
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 48_271) >>> 0
    bytes[i] = state >>> 13
  }
  return bytes
}

function entryOf(path: string, content: Buffer): ZipEntry {
  return {
    path,
    executable: false,
    crc32: 0,
    method: 0,
    packedBytes: content.length,
    bytes: content.length,
    open: async function* () {
      yield content
    },
  }
}

async function contents(file: string): Promise<Record<string, string>> {
  const { entries, close } = await readZip(file)
  try {
    const found: Record<string, string> = {}
    for (const entry of entries) found[entry.path] = (await contentOf(entry)).toString()
    return found
  } finally {
    await close()
  }
}
