/** Where things stand on this machine: the cache, the state of the local platform, the user's own settings. */
import { homedir, tmpdir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'

export type Environment = Readonly<Record<string, string | undefined>>

/** Directories of Thampi on this machine, all absolute. */
export interface Places {
  /** Work files that can be made again: `THAMPI_HOME`, else `~/.cache/thampi`. */
  readonly home: string
  /** What the local platform must not lose: deployments and logs. */
  readonly state: string
}

/**
 * `THAMPI_HOME` moves everything. Without it, work files go to `~/.cache/thampi` (the name the original fixed)
 * and deployments to `$XDG_STATE_HOME/thampi`, because a cache may be emptied at any time and deployments may not.
 */
export function places(env: Environment): Places {
  const user = env.HOME || homedir() || tmpdir()
  const chosen = env.THAMPI_HOME
  if (chosen) {
    const home = resolve(chosen)
    return { home, state: join(home, 'local') }
  }
  const xdg = env.XDG_STATE_HOME
  const stateHome = xdg && isAbsolute(xdg) ? xdg : join(user, '.local', 'state')
  return { home: join(user, '.cache', 'thampi'), state: join(stateHome, 'thampi') }
}
