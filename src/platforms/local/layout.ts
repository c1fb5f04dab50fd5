/**
 * Where the local platform keeps things, below its state directory:
 *
 *     host.json                                  the port, so that URLs survive a restart
 *     store/sha256/ab/abcd…/                     layers: immutable, named by their content
 *     zygotes/….json                             what a zygote of these dependencies imports
 *     projects/MODEL/STAGE/versions/7.json       releases: immutable
 *     projects/MODEL/STAGE/versions/7.evidence.json  what version 7 showed when its examples were replayed
 *     projects/MODEL/STAGE/current.json          the pointer: which versions get how much traffic
 *     projects/MODEL/STAGE/keys.json             names and digests of API keys
 *     projects/MODEL/STAGE/recorded/ID.json      requests that failed, when the settings say so
 *     projects/MODEL/STAGE/log                   JSON lines; stays after `undeploy`
 *     tmp/                                       emptied at start
 */
import { createHash } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Digest } from '../../system/files.ts'

/** "THAMPI" begins 8-4-2-6 on a telephone's keys. */
export const defaultPort = 8426

export interface StageKey {
  readonly stage: string
  readonly model: string
}

export interface Layout {
  readonly root: string
  readonly hostFile: string
  readonly projects: string
  readonly tmp: string
  /** Address of the private door for commands: a socket only its owner can open, or a named pipe on Windows. */
  readonly door: string
  layer(digest: Digest): string
  /** What the zygotes of a breed import. */
  zygote(key: string): string
  stageDir(key: StageKey): string
  current(key: StageKey): string
  /** The pointer before the last switch: what counts when the current one is damaged. */
  previous(key: StageKey): string
  version(key: StageKey, number: number): string
  keys(key: StageKey): string
  /** What the version showed when its examples were replayed. */
  evidence(key: StageKey, number: number): string
  /** A request that was kept because it failed. */
  recorded(key: StageKey, requestId: string): string
  log(key: StageKey): string
}

/** Longer paths cannot be bound: `sun_path` has 104 bytes on macOS, 108 on Linux. */
const maxSocketPath = 92

export function layout(root: string): Layout {
  const stageDir = ({ stage, model }: StageKey): string => join(root, 'projects', model, stage)
  return {
    root,
    hostFile: join(root, 'host.json'),
    projects: join(root, 'projects'),
    tmp: join(root, 'tmp'),
    door: doorOf(root),
    layer: digest => {
      const hex = digest.slice('sha256:'.length)
      return join(root, 'store', 'sha256', hex.slice(0, 2), hex)
    },
    zygote: key => join(root, 'zygotes', `${key.slice('sha256:'.length)}.json`),
    stageDir,
    current: key => join(stageDir(key), 'current.json'),
    previous: key => join(stageDir(key), 'current.prev.json'),
    version: (key, number) => join(stageDir(key), 'versions', `${number}.json`),
    keys: key => join(stageDir(key), 'keys.json'),
    evidence: (key, number) => join(stageDir(key), 'versions', `${number}.evidence.json`),
    recorded: (key, requestId) => join(stageDir(key), 'recorded', `${requestId}.json`),
    log: key => join(stageDir(key), 'log'),
  }
}

function doorOf(root: string): string {
  const name = stateName(root)
  if (process.platform === 'win32') return `\\\\.\\pipe\\thampi-${name}`
  const path = join(root, 'host.sock')
  if (Buffer.byteLength(path) <= maxSocketPath) return path
  return join(tmpdir(), `thampi-${userInfo().uid}`, `${name.slice(0, 16)}.sock`)
}

/** A name for this state directory that two spellings of its path share. */
export function stateName(root: string): string {
  let real = root
  try {
    real = realpathSync(root)
  } catch {
    // Not there yet: the spelling is all there is.
  }
  return createHash('sha256').update(real).digest('hex').slice(0, 32)
}
