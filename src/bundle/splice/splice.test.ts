import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  contents,
  filesBelow,
  fresh,
  host,
  lambda,
  make,
  pure,
  python,
  splice,
  systemAt,
} from '../../../tests/support/splicing.ts'
import { library } from '../../../tests/support/wheels.ts'
import { readZip } from '../zip/read.ts'
import { unpackZip } from '../zip/unpack.ts'
import { machines } from './elf.ts'
import { openExamination } from './examination.ts'
import { spliceWheels } from './splice.ts'

describe('what is packed', () => {
  it('is everything but what no prediction needs', async () => {
    const wheel = make('sci-tools', {
      files: {
        'sci_tools/__init__.py': 'from . import core\n',
        'sci_tools/__init__.pyi': 'core: object\n',
        'sci_tools/core.pxd': '',
        'sci_tools/data.json': '{}',
        'sci_tools/include/core.h': 'int x;',
        'sci_tools/libcore.a': 'archive',
        'sci_tools/tests/__init__.py': '',
        'sci_tools/tests/data/big.bin': 'x'.repeat(1000),
        'sci_tools/testing/__init__.py': 'imported by core',
        'sci_tools/tests.py': 'a module',
        'sci_tools/__pycache__/core.cpython-311.pyc': 'of another Python',
        'sci_tools-1.0.dist-info/INSTALLER': 'pip',
        'sci_tools-1.0.dist-info/direct_url.json': '{}',
        'sci_tools-1.0.dist-info/sboms/sbom.json': '{}',
        'sci_tools-1.0.dist-info/licenses/tests/LICENSE': 'of the tests',
        'sci_tools-1.0.dist-info/entry_points.txt': '',
        'sci_tools-1.0.data/purelib/sci_tools/moved.py': 'moved = True\n',
        'sci_tools-1.0.data/scripts/sci': '#!python\n',
        'sci_tools-1.0.data/headers/sci.h': '',
        'sci_tools-1.0.data/data/share/man/sci.1': 'manual',
      },
    })
    const spliced = await splice([wheel])
    expect(Object.keys(await contents(spliced))).toEqual([
      'python/sci_tools-1.0.dist-info/METADATA',
      'python/sci_tools-1.0.dist-info/RECORD',
      'python/sci_tools-1.0.dist-info/WHEEL',
      'python/sci_tools-1.0.dist-info/entry_points.txt',
      'python/sci_tools-1.0.dist-info/licenses/tests/LICENSE',
      'python/sci_tools/__init__.py',
      'python/sci_tools/data.json',
      'python/sci_tools/moved.py',
      'python/sci_tools/testing/__init__.py',
      'python/sci_tools/tests.py',
    ])
    const [packed] = spliced.packages
    expect(packed).toMatchObject({ name: 'sci-tools', version: '1.0', wheel: wheel.file })
    expect(packed?.dropped.files).toBe(13)
    expect(packed?.bytes).toBe(spliced.unpackedBytes)
    expect(spliced.lock).toEqual(['sci-tools==1.0'])
  })

  it('is everything of the packages that are to be kept', async () => {
    const wheel = make('needy', {
      files: { 'needy/__init__.py': 'from .tests import x\n', 'needy/tests/__init__.py': 'x = 1\n' },
    })
    expect(Object.keys(await contents(await splice([wheel])))).not.toContain('python/needy/tests/__init__.py')
    const kept = await splice([wheel], { keep: ['Needy'] })
    expect(Object.keys(await contents(kept))).toContain('python/needy/tests/__init__.py')
  })

  it('keeps programs executable and the bytes of the wheel as they are', async () => {
    const wheel = make('tool', {
      files: { 'tool/run': '#!/bin/sh\n', 'bin/tool': 'x', 'tool/a.py': 'a = 1\n'.repeat(500) },
      executable: ['tool/run'],
    })
    const { file } = await splice([wheel])
    const [inLayer, inWheel] = await Promise.all([readZip(file), readZip(wheel.path)])
    const programs = inLayer.entries.filter(({ executable }) => executable).map(({ path }) => path)
    expect(programs).toEqual(['python/bin/tool', 'python/tool/run'])
    for (const entry of inLayer.entries) {
      const original = inWheel.entries.find(({ path }) => `python/${path}` === entry.path)
      expect(await bytesOf(entry.open())).toEqual(original && (await bytesOf(original.open())))
    }
    await Promise.all([inLayer.close(), inWheel.close()])
  })
})

describe('the same wheels', () => {
  it('give the same archive, in any order, home, time zone and umask', async () => {
    const [a, b] = [pure('alpha'), pure('beta')]
    const one = await splice([a, b], { python }, host())
    const other = await splice([b, a], { python }, host())
    expect(other.digest).toBe(one.digest)
    const mask = process.umask(0o077)
    const zone = process.env.TZ
    process.env.TZ = 'Asia/Kathmandu'
    try {
      const third = await splice([a, b], { python }, host(), fresh())
      expect({ ...third, file: '' }).toEqual({ ...one, file: '' })
      expect(readFileSync(third.file).equals(readFileSync(one.file))).toBe(true)
    } finally {
      process.umask(mask)
      if (zone === undefined) delete process.env.TZ
      else process.env.TZ = zone
    }
  })

  it('are not even opened the second time', async () => {
    const home = fresh()
    const wheel = pure('once')
    const first = await splice([wheel], {}, lambda, home)
    const written = statSync(first.file).mtimeMs
    rmSync(wheel.path)
    const second = await splice([wheel], {}, lambda, home)
    expect(second).toEqual(first)
    expect(statSync(second.file).mtimeMs).toBe(written)
  })

  it('are spliced again when what was kept is damaged or half there', async () => {
    const home = fresh()
    const wheel = pure('mended')
    const first = await splice([wheel], { python }, host(), home)
    const damage = (file: string): void => {
      const bytes = readFileSync(file)
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] as number) ^ 1
      writeFileSync(file, bytes)
    }
    for (const file of filesBelow(join(home, 'spliced'))) {
      damage(file)
      const again = await splice([wheel], { python }, host(), home)
      expect(again.digest).toBe(first.digest)
      expect(readFileSync(again.file).length).toBe(first.bytes)
    }
  })

  it('are inspected again when somebody wrote something else into what is known of them', async () => {
    const home = fresh()
    const files = { 'new/core.so': library(machines.x64, ['GLIBC_2.30']) }
    const wheel = make('new', { tags: 'cp313-cp313-manylinux_2_28_x86_64', files })
    await splice([wheel], {}, lambda, home)
    const notes = filesBelow(join(home, 'spliced')).filter(path =>
      readFileSync(path, 'latin1').includes('"2.30"'),
    )
    expect(notes).toHaveLength(1)
    for (const path of notes) writeFileSync(path, readFileSync(path, 'latin1').replace('"2.30"', '"2.17"'))
    await expect(splice([wheel], {}, { ...lambda, glibc: '2.26' }, home)).rejects.toMatchObject({
      code: 'WHEEL_PLATFORM',
    })
  })

  it('are read once, by whoever begins first', async () => {
    const home = fresh()
    const system = systemAt(home)
    const [early, late] = [pure('early'), pure('late')]
    const alone = await splice([early, late])
    const examination = openExamination(system)
    try {
      await examination.begin(early, true).libraries
      // It is open: what lies under its name now is not looked at.
      writeFileSync(`${early.path}.new`, 'no wheel')
      renameSync(`${early.path}.new`, early.path)
      const options = { prefix: 'python/', examination } as const
      const spliced = await spliceWheels([late, early], lambda, options, system)
      expect(spliced.digest).toBe(alone.digest)
    } finally {
      await examination.close()
    }
  })

  it('find what a killed command left a day ago gone, and what another one is at still there', async () => {
    const home = fresh()
    const places = [join(home, 'spliced'), join(home, 'spliced', 'layers')]
    const [old, young] = ['.half.zip.0', '.half.zip.1']
    for (const dir of places) {
      mkdirSync(dir, { recursive: true })
      for (const name of [old, young]) writeFileSync(join(dir, name), 'half an archive')
      const yesterday = Date.now() / 1000 - 25 * 60 * 60
      utimesSync(join(dir, old), yesterday, yesterday)
    }
    await splice([pure('tidy')], {}, lambda, home)
    for (const dir of places) {
      expect(readdirSync(dir)).toContain(young)
      expect(readdirSync(dir)).not.toContain(old)
    }
  })

  it('share what is known of a wheel between archives', async () => {
    const home = fresh()
    const [a, b] = [pure('shared'), pure('another')]
    await splice([a], { python }, host(), home)
    const broken = { ...python, path: join(home, 'no-python') }
    // Had `shared` to be compiled again, there would be nobody to do it.
    expect(
      (await splice([a], { python: broken, prefix: 'python/', keep: ['b'] }, host('2.30'), home)).notices,
    ).toEqual([])
    expect((await splice([a, b], { python: broken }, host(), home)).notices.join()).toContain(
      'without bytecode',
    )
  })
})

describe('bytecode', () => {
  it('is what Python makes itself, and is used without a look at the source', async () => {
    const wheel = make('quick', {
      files: {
        'quick/__init__.py': 'def where():\n    raise ValueError("here")\n',
        'quick/old.py': 'print "Python 2"\n',
        'single.py': 'value = "compiled"\n',
      },
    })
    const spliced = await splice([wheel], { python }, host())
    expect(spliced.notices).toEqual([])
    const dir = join(fresh(), 'layer')
    await unpackZip(spliced.file, dir)
    const tag = `cpython-${python.minor.replace('.', '')}`
    expect(readdirSync(join(dir, 'python/quick/__pycache__'))).toEqual([`__init__.${tag}.pyc`])
    const made = readFileSync(join(dir, `python/__pycache__/single.${tag}.pyc`))
    const program = `import py_compile, sys
py_compile.compile(sys.argv[1], sys.argv[2], "/opt/python/single.py", True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)`
    execFileSync(python.path, ['-c', program, join(dir, 'python/single.py'), join(dir, 'expected.pyc')])
    expect(made.equals(readFileSync(join(dir, 'expected.pyc')))).toBe(true)

    writeFileSync(join(dir, 'python/single.py'), 'value = "from source"\n')
    const said = execFileSync(python.path, ['-S', '-c', 'import single; print(single.value)'], {
      env: { PYTHONPATH: join(dir, 'python') },
      encoding: 'utf8',
    })
    expect(said.trim()).toBe('compiled')
  })

  it('is made of empty files, too', async () => {
    const wheel = make('hollow', { files: { 'hollow/__init__.py': '' } })
    const tag = `cpython-${python.minor.replace('.', '')}`
    expect(Object.keys(await contents(await splice([wheel], { python }, host())))).toContain(
      `python/hollow/__pycache__/__init__.${tag}.pyc`,
    )
  })

  it('does not depend on what was compiled beside it', async () => {
    const wheels = ['one', 'two', 'three'].map(name => pure(name))
    const together = await contents(await splice(wheels, { python }, host()))
    for (const wheel of wheels) {
      const alone = await contents(await splice([wheel], { python }, host()))
      for (const [path, content] of Object.entries(alone)) expect(together[path]).toEqual(content)
    }
  })

  it('is left out, which is said, when there is no Python of the minor or it gives up', async () => {
    const wheel = pure('slow')
    const other = await splice([wheel], { python }, { ...lambda, python: '3.99' })
    expect(other.notices).toEqual([
      'The packages travel without bytecode: there is no Python 3.99 on this machine to make it. Every cold start will compile them, which takes seconds.',
    ])
    const home = fresh()
    const failing = join(home, 'python')
    writeFileSync(failing, '#!/bin/sh\nexit 3\n')
    chmodSync(failing, 0o755)
    const broken = await splice([wheel], { python: { ...python, path: failing } }, host(), home)
    expect(broken.notices.join()).toContain(`Python ${python.version} could not make it`)
    expect(Object.keys(await contents(broken)).join()).not.toContain('__pycache__')
    const mended = await splice([wheel], { python }, host(), home)
    expect(mended.notices).toEqual([])
    expect(Object.keys(await contents(mended)).join()).toContain('__pycache__')
  })
})

describe('two packages with one file', () => {
  it('keep it once when it is the same', async () => {
    const [a, b] = [
      make('a', { files: { 'common.py': 'x = 1\n' } }),
      make('b', { files: { 'common.py': 'x = 1\n' } }),
    ]
    const spliced = await splice([a, b], { python }, host())
    expect(spliced.notices).toEqual([])
    expect((await contents(spliced))['python/common.py']).toBe('x = 1\n')
  })

  it('may share a namespace, marked in the ways of old', async () => {
    const markers = [
      "__path__ = __import__('pkgutil').extend_path(__path__, __name__)\n",
      '# shared\ntry:\n    import pkg_resources\n    pkg_resources.declare_namespace(__name__)\nexcept ImportError:\n    import pkgutil\n    __path__ = pkgutil.extend_path(__path__, __name__)\n',
      '',
    ]
    const wheels = markers.map((marker, i) =>
      make(`space-${i}`, { files: { 'space/__init__.py': marker, [`space/m${i}.py`]: '' } }),
    )
    const spliced = await splice(wheels, { python }, host())
    expect(spliced.notices).toEqual([])
    expect((await contents(spliced))['python/space/__init__.py']).toBe(markers[0])
  })

  it('keep the one with code where the other only marks a namespace, and say so', async () => {
    const marker = make('aaa', { files: { 'space/__init__.py': '', 'space/a.py': '' } })
    const code = make('bbb', { files: { 'space/__init__.py': 'version = 2\n' } })
    const spliced = await splice([marker, code], { python }, host())
    expect((await contents(spliced))['python/space/__init__.py']).toBe('version = 2\n')
    expect(spliced.notices).toEqual([
      'space/__init__.py comes with aaa 1.0 and with bbb 1.0, and differs; the one of bbb is packed.',
    ])
  })

  it('keep one readme of two, and say so', async () => {
    const wheels = ['a', 'b'].map(name => make(name, { files: { 'README.md': name, [`${name}.py`]: '' } }))
    const spliced = await splice(wheels)
    expect((await contents(spliced))['python/README.md']).toBe('a')
    expect(spliced.notices.join()).toContain('README.md comes with a 1.0 and with b 1.0')
  })

  it('are refused when it would be the code of one under the name of the other', async () => {
    const wheels = ['cv', 'cv-headless'].map(name =>
      make(name, { files: { 'cv/__init__.py': `n = "${name}"\n` } }),
    )
    await expect(splice(wheels)).rejects.toMatchObject({
      code: 'WHEEL_INVALID',
      message: 'cv 1.0 and cv-headless 1.0 bring different files under one name.',
      why: 'Only one of them can be there: "cv/__init__.py".',
      fix: 'take cv or cv-headless out of the dependency file',
    })
  })
})

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}
