/** uv, which resolves for a machine that is not this one: found here, else fetched once through the user's own pip. */
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { ThampiError } from '../../errors.ts'
import { digestOfFile, explainFileError } from '../../system/files.ts'
import type { PythonFound } from '../../system/python.ts'
import type { System } from '../../system/system.ts'
import { withLock } from '../installers/lock.ts'
import { environmentForPip } from './indexes.ts'

/** A program with its first arguments, and its version. */
export interface Uv {
  readonly command: readonly [file: string, ...args: string[]]
  readonly version: string
}

/** The one we fetch, and test with. */
export const pinned = '0.13.9'

/** The oldest whose `pip compile` was seen to give the same locks: 0.8 writes `pylock.toml` and knows every target we name. */
const oldest = [0, 8, 0] as const

/** SHA-256 of each wheel of the pinned version for a machine that can run us. */
const wheels: Readonly<Record<string, string>> = {
  'uv-0.13.9-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl':
    'd7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19',
  'uv-0.13.9-py3-none-musllinux_1_1_x86_64.whl':
    '2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25',
  'uv-0.13.9-py3-none-manylinux_2_28_aarch64.whl':
    'ecb6028d79dc96fbeafffe5c8af62a7099487ebc05a701e76714eebcffd06375',
  'uv-0.13.9-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl':
    '5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe',
  'uv-0.13.9-py3-none-macosx_10_12_x86_64.whl':
    'c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5',
  'uv-0.13.9-py3-none-macosx_11_0_arm64.whl':
    '66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63',
  'uv-0.13.9-py3-none-win_amd64.whl': '6a44b2ed8111d2f60d2b92627c5dccda3f7ed7570b18ce115e569cd68c28246b',
  'uv-0.13.9-py3-none-win_arm64.whl': 'eeb92051c2123b9730c46b04cc843cfa4bc7d7b0aec56df431a2215ef4cb0273',
}

/**
 * `THAMPI_UV`, else one on the PATH, else the module of the Python in use, else one that was fetched before, else it is fetched
 * now. Undefined when it cannot be had; `why` then says what stood in the way.
 *
 * @throws ThampiError INSTALL_FAILED when `THAMPI_UV` names something else, INTEGRITY when the bytes are not those we know
 */
export async function findUv(python: PythonFound, system: System): Promise<Uv | { readonly why: string }> {
  const { env } = system
  const chosen = env.THAMPI_UV
  if (chosen) {
    const uv = await versionOf([chosen], system)
    if (uv && isNewEnough(uv)) return uv
    throw new ThampiError('INSTALL_FAILED', {
      message: `THAMPI_UV is "${chosen}", which ${uv ? `is uv ${uv.version}` : 'does not start as uv'}.`,
      why: `uv ${oldest.join('.')} or newer is needed.`,
      fix: `unset THAMPI_UV, or: pip install uv==${pinned}`,
    })
  }
  for (const command of [['uv'], [python.path, '-I', '-m', 'uv']] as const) {
    const uv = await versionOf(command, system)
    if (uv && isNewEnough(uv)) return uv
  }
  const kept = join(system.places.home, 'tools', `uv-${pinned}`)
  const program = join(kept, system.os === 'win32' ? 'uv.exe' : 'uv')
  const there = await versionOf([program], system)
  if (there) return there
  await mkdir(join(system.places.home, 'tools'), { recursive: true, mode: 0o700 }).catch(cause => {
    throw explainFileError(cause, system.places.home)
  })
  const waiting = (pid: number): void =>
    system.tell(`waiting for another thampi (process ${pid}) that fetches uv`)
  return withLock(`${kept}.lock`, waiting, async () => {
    return (await versionOf([program], system)) ?? fetchUv(kept, program, python, system)
  })
}

async function versionOf(command: Uv['command'], system: System): Promise<Uv | undefined> {
  const [file, ...args] = command
  const { stdout, exitCode } = await system.run(file, [...args, '--version'], {
    env: system.env,
    timeoutMs: 20_000,
  })
  const version = exitCode === 0 ? /^uv (\d+\.\d+\.\d+)/.exec(stdout.trim())?.[1] : undefined
  return version === undefined ? undefined : { command, version }
}

function isNewEnough({ version }: Uv): boolean {
  const parts = version.split('.').map(Number)
  const differing = oldest.findIndex((least, index) => parts[index] !== least)
  return differing === -1 || (parts[differing] ?? 0) > (oldest[differing] ?? 0)
}

/** With pip, the user's indexes, proxies and certificates count, and no address stands here. */
async function fetchUv(
  kept: string,
  program: string,
  python: PythonFound,
  system: System,
): Promise<Uv | { readonly why: string }> {
  await removeLeftovers(dirname(kept))
  const work = await mkdtemp(`${kept}-`)
  try {
    system.tell(`fetching uv ${pinned}, which resolves dependencies for other machines`)
    const args = ['-I', '-m', 'pip', 'download', '--quiet', '--no-deps', '--only-binary=:all:']
    const pip = await system.run(python.path, [...args, '--dest', work, `uv==${pinned}`], {
      env: environmentForPip(system),
      cwd: system.cwd,
    })
    if (pip.exitCode !== 0) return { why: whyOf(pip.stderr, python) }
    const [wheel = ''] = await readdir(work)
    const known = wheels[wheel]
    const digest = await digestOfFile(join(work, wheel))
    if (known === undefined || digest !== `sha256:${known}`) {
      throw new ThampiError('INTEGRITY', {
        message: `The index gave a ${wheel} that is not the one we know.`,
        why: `Its digest is ${digest}, wanted is ${known === undefined ? 'another file' : `sha256:${known}`}.`,
        fix: 'install uv from a source you trust, and name it: THAMPI_UV=/path/to/uv',
      })
    }
    const unpacked = join(work, 'unpacked')
    const unpacking = await system.run(
      python.path,
      ['-I', '-m', 'zipfile', '-e', join(work, wheel), unpacked],
      {
        env: environmentForPip(system),
      },
    )
    if (unpacking.exitCode !== 0) return { why: unpacking.stderr.trim().split('\n').at(-1) ?? '' }
    const scripts = join(unpacked, `uv-${pinned}.data`, 'scripts')
    for (const name of await readdir(scripts)) await chmod(join(scripts, name), 0o755)
    // What is there does not start.
    await rm(kept, { recursive: true, force: true })
    await rename(scripts, kept).catch(cause => {
      throw explainFileError(cause, kept)
    })
    const uv = await versionOf([program], system)
    return uv ?? { why: `${program} does not start.` }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** Of commands that were killed: we hold the lock, so nobody works in them. */
async function removeLeftovers(tools: string): Promise<void> {
  const leftovers = (await readdir(tools)).filter(name => name.startsWith(`uv-${pinned}-`))
  for (const name of leftovers) await rm(join(tools, name), { recursive: true, force: true })
}

function whyOf(stderr: string, python: PythonFound): string {
  if (/No module named pip/.test(stderr)) return `${python.path} has no pip that could fetch it.`
  return (
    stderr
      .split('\n')
      .findLast(line => /error/i.test(line))
      ?.replace(/^ERROR:\s*/, '') ?? 'pip could not fetch it.'
  )
}

/** The error for those who have neither uv nor a list that pip could take as it is. */
export function noUv(why: string): ThampiError {
  return new ThampiError('INSTALL_FAILED', {
    message: 'Dependencies for another machine are resolved with uv, and it is not here.',
    why,
    fix: `pip install uv==${pinned}   # or name one: THAMPI_UV=/path/to/uv`,
  })
}
