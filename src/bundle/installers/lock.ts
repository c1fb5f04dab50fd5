/** One process at a time works on a directory; the lock of one that died counts for nothing. */
import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { systemCode } from '../../errors.ts'
import { explainFileError, readIfThere } from '../../system/files.ts'

const POLL_MS = 200

/**
 * Does `work` while holding the lock file `path`.
 *
 * @param waiting called once, with the holder's process id, when somebody else holds it
 */
export async function withLock<T>(
  path: string,
  waiting: (pid: number) => void,
  work: () => Promise<T>,
): Promise<T> {
  const mine = JSON.stringify({ pid: process.pid, started: await startOf(process.pid) })
  let told = false
  while (!(await take(path, mine))) {
    const held = await readIfThere(path)
    if (held === undefined) continue
    const holder = parse(held)
    if (!holder || !(await isRunning(holder))) {
      await giveUp(path, held)
      continue
    }
    if (!told) waiting(holder.pid)
    told = true
    await sleep(POLL_MS)
  }
  try {
    return await work()
  } finally {
    await rm(path, { force: true })
  }
}

async function take(path: string, mine: string): Promise<boolean> {
  try {
    await writeFile(path, mine, { flag: 'wx', mode: 0o600 })
    return true
  } catch (cause) {
    if (systemCode(cause) === 'EEXIST') return false
    throw explainFileError(cause, path)
  }
}

interface Holder {
  readonly pid: number
  readonly started: string | undefined
}

/** Undefined for a lock that is not fully written; its writer needs a moment or is dead, and `giveUp` tells which. */
function parse(text: string): Holder | undefined {
  try {
    const { pid, started } = JSON.parse(text)
    return Number.isInteger(pid)
      ? { pid, started: typeof started === 'string' ? started : undefined }
      : undefined
  } catch {
    return undefined
  }
}

/** A process id is used again one day; together with its time of starting it is not. */
async function isRunning({ pid, started }: Holder): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (systemCode(error) !== 'EPERM') return false
  }
  const now = await startOf(pid)
  return started === undefined || now === undefined || now === started
}

/** Field 22 of Linux's `stat`, counted behind the name, which may hold anything. Elsewhere unknown. */
async function startOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')[19]
}

/** Moves a dead lock aside. When somebody took it meanwhile, it is put back: his content is not what we judged. */
async function giveUp(path: string, judged: string): Promise<void> {
  if (judged.length === 0) await sleep(POLL_MS)
  const aside = `${path}.${randomBytes(6).toString('hex')}`
  try {
    await rename(path, aside)
  } catch (cause) {
    if (systemCode(cause) === 'ENOENT') return
    throw explainFileError(cause, path)
  }
  if ((await readIfThere(aside)) === judged) await rm(aside, { force: true })
  else await rename(aside, path)
}
