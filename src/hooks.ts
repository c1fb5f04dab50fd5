/** Python functions of the project that run while it is served: `prebuild_script` and `callbacks`, as Zappa has them. */
import { resolve } from 'node:path'
import { ThampiError } from './errors.ts'
import type { Stage } from './settings/stage.ts'
import { findPython } from './system/python.ts'
import type { System } from './system/system.ts'

/**
 * `settings`: they were read · `prebuild`: before anything is packed · `zip`: the package is made · `post`: the traffic
 * has moved.
 */
export type Moment = 'settings' | 'prebuild' | 'zip' | 'post'

export interface HookOptions {
  readonly projectDir?: string | undefined
  readonly python?: string | undefined
}

/** What a function is told, where it takes an argument. */
export interface HookFacts {
  readonly url?: string
  readonly version?: number
}

/** A function finds the project's modules, and is called with what it takes: nothing, or one object. */
const driver = `import importlib, inspect, json, os, sys, types
sys.path.insert(0, os.getcwd())
module, _, name = sys.argv[1].rpartition(".")
about = types.SimpleNamespace(**json.loads(sys.argv[2]))
hook = getattr(importlib.import_module(module), name)
try:
    inspect.signature(hook).bind(about)
except TypeError:
    hook()
else:
    hook(about)
`

/**
 * Runs what the stage has for this moment with the project's Python, in the project's directory; nothing when it has nothing.
 *
 * @throws ThampiError HOOK_FAILED, PYTHON_MISSING
 * @example
 * await runHook('prebuild', stage, { projectDir: '.' }, system)
 */
export async function runHook(
  moment: Moment,
  stage: Stage,
  options: HookOptions,
  system: System,
  facts: HookFacts = {},
): Promise<void> {
  const hook = stage.hooks?.[moment]
  if (hook === undefined) return
  const python = await findPython(system, { explicit: options.python })
  const about = { moment, stage: stage.name, model: stage.model, platform: stage.platform, ...facts }
  system.tell(`${keyOf(moment)}: ${hook}`)
  const { exitCode, stderr } = await system.run(python.path, ['-c', driver, hook, JSON.stringify(about)], {
    cwd: resolve(system.cwd, options.projectDir ?? '.'),
    env: { ...system.env, PYTHONUNBUFFERED: '1' },
    onLine: system.tell,
  })
  if (exitCode === 0) return
  throw new ThampiError('HOOK_FAILED', {
    message: `${hook} (\`${keyOf(moment)}\` of stage \`${stage.name}\`) failed: ${stderr.trim().split('\n').at(-1) || `exit status ${exitCode}`}`,
    why:
      moment === 'post'
        ? `The traffic has moved all the same: version ${facts.version} serves ${stage.name} at ${facts.url}`
        : 'Nothing was released.',
    fix: `mend the function, or take \`${keyOf(moment)}\` out of the settings`,
  })
}

function keyOf(moment: Moment): string {
  return moment === 'prebuild' ? 'prebuild_script' : `callbacks.${moment}`
}
