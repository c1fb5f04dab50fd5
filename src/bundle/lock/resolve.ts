/** Asks uv which versions go together on the target. What has no wheel is built when it is pure Python, and explained otherwise. */
import { dirname } from 'node:path'
import type { Target } from '../bundle.ts'
import { type Answer, type Asking, askUv } from './ask.ts'
import { wheelOfSource } from './build.ts'
import { explainUv, NoWheelError } from './explain.ts'
import { whyNoWheel } from './no-wheel.ts'
import { type LockedPackage, readPylock } from './pylock.ts'
import { showTarget } from './target.ts'

export interface Resolved {
  readonly packages: readonly LockedPackage[]
  readonly notices: readonly string[]
}

/** So many packages without a wheel are built for one lock. */
const MOST_BUILT = 20
/** Says that we are still there, as long as it takes. */
const EVERY_MS = 2000

/**
 * @param built wheels of this disk, `name @ file:///…`
 * @throws ThampiError INSTALL_FAILED, WHEEL_PLATFORM, NETWORK, REQUIREMENTS_INVALID, in the user's words
 */
export async function resolveWithUv(asking: Asking, built: readonly string[]): Promise<Resolved> {
  const lines = [...asking.question.wanted.lines, ...built]
  const links: string[] = []
  const notices: string[] = []
  for (;;) {
    const found = await resolveOnce(asking, lines, links)
    if (!(found instanceof NoWheelError)) return { packages: found, notices }
    const { error, source } = await whyNoWheel(found, asking)
    // A hash in the file is one of the source, and a wheel that is built has another.
    if (source === undefined || asking.question.wanted.hashed || links.length >= MOST_BUILT) throw error
    const wheel = await wheelOfSource(source, asking)
    const dir = wheel && dirname(wheel.path)
    if (dir === undefined || links.includes(dir)) throw error
    links.push(dir)
    notices.push(`${wheel?.name} ${wheel?.version} has no wheel: one was built here, of pure Python.`)
  }
}

/** `links`: directories of wheels that count as if the index had them. */
async function resolveOnce(
  asking: Asking,
  lines: readonly string[],
  links: readonly string[],
): Promise<LockedPackage[] | NoWheelError> {
  const { wanted, target, cpuTorch } = asking.question
  const { stderr, lock } = await telling(asking, lines.length, () =>
    askUv(asking, {
      lines,
      constraints: wanted.constraints,
      python: target.python ?? '',
      args: [
        ...['--python-platform', platformOf(target), '--only-binary', ':all:', '--generate-hashes'],
        ...links.flatMap(dir => ['--find-links', dir]),
        ...(cpuTorch ? ['--torch-backend', 'cpu'] : []),
      ],
    }),
  )
  if (lock !== undefined) return readPylock(lock, 'the answer of uv', '/')
  const error = explainUv(stderr, asking.question)
  if (error instanceof NoWheelError) return error
  throw error
}

/** glibc versions that uv has a name for. */
const known = [17, 28, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40]

function platformOf({ arch, glibc = '2.17' }: Target): string {
  const minor = Number(glibc.split('.')[1])
  const fitting = known.findLast(version => version <= minor) ?? 17
  return `${arch === 'arm64' ? 'aarch64' : 'x86_64'}-manylinux_2_${fitting}`
}

async function telling(
  { question, uv, system }: Asking,
  count: number,
  work: () => Promise<Answer>,
): Promise<Answer> {
  const started = system.now().getTime()
  const seconds = (): string => `${((system.now().getTime() - started) / 1000).toFixed(1)} s`
  const packages = `${count} ${count === 1 ? 'package' : 'packages'}`
  const what = `${packages} for ${showTarget(question.target)} with uv ${uv.version}`
  system.tell(`resolving ${what}`)
  const timer = setInterval(() => system.tell(`resolving ${what} … ${seconds()}`), EVERY_MS)
  try {
    const answer = await work()
    if (answer.lock !== undefined) system.tell(`resolved ${what} in ${seconds()}`)
    return answer
  } finally {
    clearInterval(timer)
  }
}
