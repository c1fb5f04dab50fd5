/** Which Node runs a model: the one that `THAMPI_NODE` names, else the one that runs us. */
import { ThampiError } from '../errors.ts'
import type { System } from './system.ts'

export interface NodeFound {
  /** Absolute path, or the name that `THAMPI_NODE` gave. */
  readonly path: string
  /** `22.14.0` */
  readonly version: string
  /** `22` */
  readonly major: string
}

/** What the runtime is bundled for. */
const oldest = 20

/** @throws ThampiError NODE_MISSING when the chosen one does not start, or is too old */
export async function findNode({ env, run }: System): Promise<NodeFound> {
  const chosen = env.THAMPI_NODE
  if (!chosen) return found(process.execPath, process.versions.node)
  const { stdout, exitCode } = await run(chosen, ['--version'], { env })
  const version = /^v(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
  if (exitCode !== 0 || version === undefined) {
    throw new ThampiError('NODE_MISSING', {
      message: `THAMPI_NODE is "${chosen}", which does not start as Node.`,
      fix: 'unset THAMPI_NODE, or give it the path of a Node 20 or newer',
    })
  }
  const [major = 0] = version.split('.').map(Number)
  if (major < oldest) {
    throw new ThampiError('NODE_MISSING', {
      message: `THAMPI_NODE is "${chosen}", which is Node ${version}; models need Node 20 or newer.`,
      fix: 'unset THAMPI_NODE, or give it the path of a newer one',
    })
  }
  return found(chosen, version)
}

function found(path: string, version: string): NodeFound {
  return { path, version, major: version.split('.')[0] as string }
}
