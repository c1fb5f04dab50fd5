/** Real wheels, as their authors made them, against what pip makes of them; and one that is bigger than memory should be. */
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { constants, crc32, deflateRawSync } from 'node:zlib'
import { build } from 'esbuild'
import { beforeAll, describe, expect, it } from 'vitest'
import { isNeeded } from '../../src/bundle/splice/slim.ts'
import { type Spliced, spliceWheels, type Wheel } from '../../src/bundle/splice/splice.ts'
import { parseWheelName } from '../../src/bundle/wheels/name.ts'
import { unpackZip } from '../../src/bundle/zip/unpack.ts'
import { findPython, type PythonFound } from '../../src/system/python.ts'
import { realSystem } from '../../src/system/system.ts'
import { pinned } from '../support/doors.ts'
import { temporaryDirectory, python as venv } from '../support/python.ts'
import { library, makeWheel } from '../support/wheels.ts'

const root = temporaryDirectory()
const system = { ...realSystem(), places: { home: join(root, 'home'), state: join(root, 'state') } }
const MiB = 1024 * 1024

describe('wheels of numpy, joblib, cloudpickle and threadpoolctl', () => {
  let python: PythonFound
  let wheels: Wheel[]
  const pipTree = join(root, 'pip')
  beforeAll(async () => {
    python = await findPython(realSystem(), { explicit: venv })
    const store = join(root, 'wheels')
    const wanted = [pinned('numpy'), pinned('cloudpickle'), 'joblib', 'threadpoolctl']
    pip('download', '--no-deps', '--only-binary', ':all:', '-d', store, ...wanted)
    wheels = readdirSync(store).map(file => wheelAt(store, file))
    pip(
      'install',
      '--no-deps',
      '--no-index',
      '--no-compile',
      '--target',
      pipTree,
      ...wheels.map(({ path }) => path),
    )
  })

  it('give the tree that pip makes, without what no prediction needs', async () => {
    const layer = await splice([])
    const ours = await unpacked(layer, 'slim')
    const [expected, dropped] = [new Map<string, Buffer>(), [] as string[]]
    for (const [path, bytes] of tree(pipTree)) {
      if (isOfPip(path)) continue
      if (isNeeded(path, '', true)) expected.set(path, bytes)
      else dropped.push(path)
    }
    expect([...withoutBytecode(ours).keys()]).toEqual([...expected.keys()])
    for (const [path, bytes] of expected) expect([path, ours.get(path)?.equals(bytes)]).toEqual([path, true])
    expect(dropped.length).toBeGreaterThan(500)
    expect(layer.packages.map(({ dropped }) => dropped.files).reduce((a, b) => a + b)).toBeGreaterThanOrEqual(
      dropped.length,
    )
    expect(layer.unpackedBytes).toBe([...ours.values()].reduce((sum, { length }) => sum + length, 0))
  })

  it('give all of it when nothing may be left out', async () => {
    const ours = withoutBytecode(await unpacked(await splice(wheels.map(({ name }) => name)), 'kept'))
    for (const [path, bytes] of tree(pipTree)) {
      if (!isOfPip(path)) expect([path, ours.get(path)?.equals(bytes)]).toEqual([path, true])
    }
  })

  it('have the bytecode that compileall makes, and run with it', async () => {
    const dir = join(root, 'slim', 'python')
    const program = `import compileall, sys
compileall.compile_dir(sys.argv[1], quiet=2, stripdir=sys.argv[1], prependdir="/opt/python", force=True,
  invalidation_mode=__import__("py_compile").PycInvalidationMode.UNCHECKED_HASH)`
    const before = [...tree(dir)].filter(([path]) => path.endsWith('.pyc'))
    expect(before.length).toBeGreaterThan(150)
    execFileSync(python.path, ['-I', '-c', program, dir])
    const after = tree(dir)
    for (const [path, bytes] of before) expect([path, after.get(path)?.equals(bytes)]).toEqual([path, true])

    const code = `import numpy, joblib
from importlib.metadata import packages_distributions, version
assert numpy.__cached__.endswith(".pyc") and numpy.testing
print(int(numpy.linalg.matrix_rank(numpy.eye(3))), packages_distributions()["numpy"], version("joblib") == joblib.__version__)`
    const said = execFileSync(python.path, ['-S', '-c', code], { env: { PYTHONPATH: dir }, encoding: 'utf8' })
    expect(said.trim()).toBe("3 ['numpy'] True")
  })

  function splice(keep: readonly string[]): Promise<Spliced> {
    const target = { os: 'linux', arch: system.arch, python: python.minor, glibc: '2.34' } as const
    return spliceWheels(wheels, target, { prefix: 'python/', keep, python }, system)
  }
})

it.runIf(process.platform === 'linux')(
  'a wheel of 1.7 GB is spliced in less than 300 MB of memory (read from /proc)',
  async () => {
    const wheel = bigWheel(join(root, 'big'))
    const module = join(root, 'splice.mjs')
    await build({
      entryPoints: ['src/bundle/splice/splice.ts'],
      outfile: module,
      bundle: true,
      platform: 'node',
      format: 'esm',
      banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    })
    const script = join(root, 'big.mjs')
    writeFileSync(
      script,
      `import { readFileSync } from 'node:fs'
import { spliceWheels } from ${JSON.stringify(module)}
const system = { env: {}, places: { home: ${JSON.stringify(join(root, 'big-home'))} }, now: () => new Date(), tell() {} }
const target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' }
const { unpackedBytes } = await spliceWheels([${JSON.stringify(wheel)}], target, { prefix: 'python/' }, system)
// The most it ever had. What the kernel counts for a child begins with the size of the parent that started it.
const kilobytes = Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1])
console.log(JSON.stringify({ unpackedBytes, memory: kilobytes * 1024 }))`,
    )
    const said = JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' }))
    expect(said.unpackedBytes).toBeGreaterThan(1_700_000_000)
    expect(said.memory / MiB).toBeLessThan(300)
  },
)

/** One library of 1.5 GB that packs well, and 200 MB of data that do not. */
function bigWheel(dir: string): Wheel {
  const head = Buffer.alloc(MiB)
  library(62, ['GLIBC_2.17']).copy(head)
  const block = Buffer.alloc(MiB)
  randomBytes(8192).copy(block)
  // A full flush ends at a byte and forgets what was before it: such pieces can be put one behind the other.
  const piece = (bytes: Buffer): Buffer => deflateRawSync(bytes, { finishFlush: constants.Z_FULL_FLUSH })
  const count = 1499
  const packedBlock = piece(block)
  const packed = Buffer.concat([piece(head), ...Array(count).fill(packedBlock), deflateRawSync('')])
  const hash = createHash('sha256').update(head)
  let crc = crc32(head)
  for (let i = 0; i < count; i++) {
    hash.update(block)
    crc = crc32(block, crc)
  }
  const noise = randomBytes(200_000_000)
  const bytes = MiB * (count + 1)
  const numbers = { bytes, crc32: crc }
  return makeWheel(dir, 'big', {
    tags: 'cp313-cp313-manylinux_2_28_x86_64',
    files: {},
    record: lines => [
      ...lines,
      `big/lib.so,sha256=${hash.digest('base64url')},${bytes}`,
      `big/noise.bin,sha256=${createHash('sha256').update(noise).digest('base64url')},${noise.length}`,
    ],
    more: [
      { name: 'big/lib.so', packed, central: numbers, local: numbers },
      { name: 'big/noise.bin', content: noise, method: 0 },
    ],
  })
}

function pip(...args: readonly string[]): void {
  const options = ['--quiet', '--disable-pip-version-check']
  execFileSync(venv, ['-m', 'pip', ...args, ...options], { stdio: ['ignore', 'ignore', 'inherit'] })
}

function wheelAt(dir: string, file: string): Wheel {
  const path = join(dir, file)
  const found = parseWheelName(file)
  if (!found) throw new Error(`not a wheel: ${file}`)
  const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex')
  return { name: found.name, version: found.version, file, path, sha256 }
}

/** What an installer adds: its own notes, the list with them in it, programs. */
function isOfPip(path: string): boolean {
  return /^bin\/|\.dist-info\/(INSTALLER|REQUESTED|RECORD|direct_url\.json)$/.test(path)
}

function withoutBytecode(files: ReadonlyMap<string, Buffer>): Map<string, Buffer> {
  return new Map([...files].filter(([path]) => !path.endsWith('.pyc') && !path.endsWith('.dist-info/RECORD')))
}

async function unpacked({ file }: Spliced, name: string): Promise<Map<string, Buffer>> {
  const dir = join(root, name)
  if (!existsSync(dir)) await unpackZip(file, dir)
  return tree(join(dir, 'python'))
}

/** Path → bytes, sorted by path. */
function tree(dir: string): Map<string, Buffer> {
  mkdirSync(dir, { recursive: true })
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  const paths = files.map(entry => join(entry.parentPath, entry.name)).sort()
  return new Map(paths.map(path => [path.slice(dir.length + 1), readFileSync(path)]))
}
