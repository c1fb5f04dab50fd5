import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { contents, filesBelow, fresh, lambda, make, pure, splice } from '../../../tests/support/splicing.ts'
import { library, recordLine, type WheelParts } from '../../../tests/support/wheels.ts'
import { machines } from './elf.ts'

describe('a wheel that is not what it says is refused by name', () => {
  const lies: Record<string, [WheelParts, RegExp]> = {
    'a file outside': [
      { files: {}, more: [{ name: '../evil.py', content: '' }] },
      /leads out of the archive/,
    ],
    'a link': [
      { files: {}, more: [{ name: 'evil/link', content: '/', mode: 0o120777 }] },
      /is a link or a device/,
    ],
    'twin names': [{ files: { 'evil/A.py': '', 'evil/a.py': '' } }, /some systems take for one file/],
    'a file that RECORD does not list': [
      { files: {}, more: [{ name: 'evil/more.py', content: '' }] },
      /RECORD does not list evil\/more.py/,
    ],
    'a file that is only in RECORD': [
      { files: {}, record: lines => [...lines, recordLine('evil/gone.py', '')] },
      /lists evil\/gone.py, which is not in it/,
    ],
    'another size in RECORD': [
      {
        files: { 'evil.py': 'x' },
        record: lines => lines.map(line => line.replace(/^(evil.py,.*),1$/, '$1,2')),
      },
      /says evil.py has 2 bytes; it has 1/,
    ],
    'another digest in RECORD': [
      {
        files: { 'evil.py': 'x' },
        record: lines => lines.map(line => (line.startsWith('evil.py') ? recordLine('evil.py', 'y') : line)),
      },
      /evil.py is not the file that its RECORD lists/,
    ],
    'a digest in RECORD that proves nothing': [
      {
        files: { 'evil.py': 'x' },
        record: lines => lines.map(line => line.replace(/sha256=[^,]*/, 'md5=AAAA')),
      },
      /uses md5/,
    ],
    'the data of another package': [
      { files: { 'numpy-2.0.data/purelib/numpy/evil.py': '' } },
      /data of another package: numpy-2.0.data/,
    ],
    'data of an unknown kind': [{ files: { 'evil-1.0.data/kernel/x': '' } }, /unknown kind/],
    'two descriptions': [
      { files: { 'numpy-2.0.dist-info/METADATA': '' } },
      /2 directories named "….dist-info" instead of one/,
    ],
    'another name inside': [
      { files: {}, info: 'good-1.0.dist-info' },
      /called otherwise inside: good-1.0.dist-info/,
    ],
    'another name in METADATA': [
      { files: {}, metadata: 'Name: good\nVersion: 1.0\n' },
      /METADATA calls it good 1.0/,
    ],
    'another version in METADATA': [
      { files: {}, metadata: 'Name: evil\nVersion: 2.0\n' },
      /METADATA calls it evil 2.0/,
    ],
    'a format of the future': [
      { files: {}, wheel: 'Wheel-Version: 2.0\nTag: py3-none-any\n' },
      /format is version "2.0"/,
    ],
    'a name that was changed to fit': [
      {
        files: {},
        tags: 'cp313-cp313-manylinux_2_28_x86_64',
        wheel: 'Wheel-Version: 1.0\nTag: cp311-cp311-linux_aarch64\n',
      },
      /made for cp311-cp311-linux_aarch64/,
    ],
  }
  for (const [lie, [parts, why]] of Object.entries(lies)) {
    it(lie, async () => {
      const home = fresh()
      const refusal = await splice([pure('good'), make('evil', parts)], {}, lambda, home).catch(
        error => error,
      )
      expect(refusal).toMatchObject({
        code: 'WHEEL_INVALID',
        message: 'The wheel of evil 1.0 cannot be used.',
      })
      expect(refusal.why).toMatch(why)
      expect(filesBelow(home).filter(path => path.includes('layers'))).toEqual([])
    })
  }

  it('data that lands on another package', async () => {
    const victim = make('victim', { files: { 'victim/__init__.py': 'safe = True\n' } })
    const evil = make('evil', { files: { 'evil-1.0.data/platlib/victim/__init__.py': '' } })
    await expect(splice([victim, evil])).rejects.toMatchObject({
      code: 'WHEEL_INVALID',
      message: 'The wheel of evil 1.0 cannot be used.',
      why: 'It would put its evil-1.0.data/platlib/victim/__init__.py over victim/__init__.py of victim 1.0.',
    })
  })

  it('an honest one in other spellings is taken', async () => {
    const wheel = make('zope-interface', {
      version: '1.0rc1',
      info: 'zope.interface-1.0.RC1.dist-info',
      files: { 'a,"b".py': 'x = 1\n', 'c.py': '' },
      tags: 'py2.py3-none-any',
    })
    expect(Object.keys(await contents(await splice([wheel])))).toContain('python/a,"b".py')
  })
})

describe('libraries', () => {
  const native = 'cp313-cp313-manylinux_2_28_x86_64'

  it('of another processor, or for a newer glibc, are refused with file and need', async () => {
    const cases = [
      [library(machines.arm64, []), 'fast/core.so is made for aarch64'],
      [library(machines.x64, ['GLIBC_2.4', 'GLIBC_2.38', 'GLIBC_2.9']), 'fast/core.so needs glibc 2.38'],
      [library(machines.x64, ['GLIBC_2.35'], 100_000), 'fast/core.so needs glibc 2.35'],
    ] as const
    for (const [content, why] of cases) {
      const wheel = make('fast', { tags: native, files: { 'fast/core.so': content } })
      await expect(splice([wheel])).rejects.toMatchObject({
        code: 'WHEEL_PLATFORM',
        message: `fast 1.0 does not run on Linux x86_64 with glibc 2.34: ${why}.`,
      })
    }
  })

  it('are found also behind 40 MB of something else, without holding them', async () => {
    const content = library(machines.x64, ['GLIBC_2.36'], 40_000_000)
    const wheel = make('huge', {
      tags: native,
      files: { 'huge/lib.so.1.2': content, 'huge/noise.bin': randomBytes(300_000) },
    })
    await expect(splice([wheel])).rejects.toMatchObject({ code: 'WHEEL_PLATFORM' })
  })

  it('that fit are packed, whatever else they ask for', async () => {
    const wheel = make('fits', {
      tags: native,
      files: {
        'fits/core.so': library(machines.x64, ['GLIBC_2.34', 'GLIBC_PRIVATE', 'GLIBCXX_3.4.99']),
        'fits/script.so': 'INPUT(libreal.so)',
        'fits/broken.so': library(machines.x64, ['GLIBC_9.9']).subarray(0, 80),
      },
    })
    expect((await splice([wheel])).packages[0]?.dropped.files).toBe(0)
  })

  it('of other processors may lie in a wheel for any', async () => {
    const files = { 'any/arm.so': library(machines.arm64, ['GLIBC_2.99']) }
    expect((await splice([make('any', { files })])).packages).toHaveLength(1)
  })
})
