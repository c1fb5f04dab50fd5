/** Where a release comes from: who made it, on which machine, from which commit. */
import { hostname, userInfo } from 'node:os'
import type { System } from './system.ts'

export interface Origin {
  /** `user@machine` */
  readonly by: string
  /** Abbreviated commit, with `+` when files differ from it; undefined outside a git checkout. */
  readonly commit: string | undefined
}

export async function originOf(projectDir: string, system: System): Promise<Origin> {
  const { stdout, exitCode } = await system.run(
    'git',
    ['describe', '--always', '--dirty=+', '--abbrev=12', '--exclude=*'],
    {
      cwd: projectDir,
      env: system.env,
      timeoutMs: 5_000,
    },
  )
  return { by: `${userInfo().username}@${hostname()}`, commit: exitCode === 0 ? stdout.trim() : undefined }
}
