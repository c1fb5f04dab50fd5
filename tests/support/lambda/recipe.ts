/** How the process of a function is started: its interpreter, its variables, the places of its files. */
import { execFileSync } from 'node:child_process'
import { realpathSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { python, temporaryDirectory } from '../python.ts'
import type { FunctionOptions } from '../runtime-api.ts'
import { inside, type Recipe } from './environment.ts'
import { managedNode, managedPython } from './managed.ts'
import { Refused } from './refused.ts'

const maxVariableBytes = 4 * 1024
const reserved = [
  ...['_HANDLER', '_X_AMZN_TRACE_ID', 'AWS_DEFAULT_REGION', 'AWS_REGION', 'AWS_EXECUTION_ENV'],
  ...['AWS_ACCESS_KEY', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
  ...['AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_LAMBDA_FUNCTION_VERSION'],
  ...['AWS_LAMBDA_INITIALIZATION_TYPE', 'AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME'],
  ...['AWS_LAMBDA_RUNTIME_API', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR'],
]

/** Throws `Refused` for variables that Lambda does not take. */
export function checkVariables(variables: Readonly<Record<string, string>>): void {
  const taken = Object.keys(variables).filter(name => reserved.includes(name))
  if (taken.length > 0) {
    const message = `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${taken.join(', ')}`
    throw new Refused(400, 'InvalidParameterValueException', message)
  }
  const measured = JSON.stringify(variables)
  if (Buffer.byteLength(measured) <= maxVariableBytes) return
  const message = `Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: ${measured}`
  throw new Refused(400, 'InvalidParameterValueException', message)
}

export function recipeOf(options: FunctionOptions): Omit<Recipe, 'onOutput'> {
  const { runtime, handler, memoryMb = 128 } = options
  const isPython = runtime.startsWith('python')
  const program = realpathSync(options.program ?? (isPython ? python : process.execPath))
  const runtimeRoot = realpathSync(options.runtimeRoot ?? (isPython ? managedPython(program) : managedNode()))
  const mounted = options.mounts !== false && canMount()
  const real = {
    taskRoot: realpathSync(options.taskRoot),
    layerRoot: realpathSync(options.layerRoot ?? nothing()),
    runtimeRoot,
  }
  const seen = mounted ? { taskRoot: '/var/task', layerRoot: '/opt', runtimeRoot: '/var/runtime' } : real
  return {
    ...real,
    mounted,
    memoryMb,
    program: isPython ? join(seen.runtimeRoot, 'bin/python') : program,
    args: isPython
      ? ['-m', 'awslambdaric', handler]
      : [`--max-old-space-size=${Math.floor(memoryMb * 0.9)}`, join(seen.runtimeRoot, 'index.mjs')],
    // The program's own directory, and that in which the AWS SDK finds what it needs.
    keep: [dirname(dirname(program)), ...(isPython ? [] : [resolve('node_modules')])].filter(isHidden),
    env: { ...variablesOf(options, seen), ...options.environment },
  }
}

interface Places {
  readonly taskRoot: string
  readonly layerRoot: string
  readonly runtimeRoot: string
}

/** @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html */
function variablesOf(
  options: FunctionOptions,
  { taskRoot, layerRoot, runtimeRoot }: Places,
): Record<string, string> {
  const { runtime, handler, name = 'function', version = '$LATEST', region = 'us-east-1' } = options
  const { memoryMb = 128, snapStart = false, credentials } = options
  const [, language, number] = /^([a-z]+)([\d.]+?)(?:\.x)?$/.exec(runtime) ?? []
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/')
  return {
    PATH: `/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:${layerRoot}/bin`,
    LD_LIBRARY_PATH: `/var/lang/lib:/lib64:/usr/lib64:${runtimeRoot}:${runtimeRoot}/lib:${taskRoot}:${taskRoot}/lib:${layerRoot}/lib`,
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    _HANDLER: handler,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: runtimeRoot,
    AWS_EXECUTION_ENV: `AWS_Lambda_${runtime}`,
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_ACCESS_KEY_ID: credentials?.accessKeyId ?? 'ASIAEXAMPLE',
    AWS_SECRET_ACCESS_KEY: credentials?.secretAccessKey ?? 'example',
    AWS_SESSION_TOKEN: 'example',
    AWS_LAMBDA_FUNCTION_NAME: name,
    AWS_LAMBDA_FUNCTION_VERSION: version,
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `${day}/[${version}]${'0'.repeat(32)}`,
    AWS_LAMBDA_LOG_FORMAT: 'Text',
    AWS_LAMBDA_INITIALIZATION_TYPE: snapStart ? 'snap-start' : 'on-demand',
    ...(language === 'python'
      ? {
          PYTHONPATH: [
            taskRoot,
            `${layerRoot}/python/lib/python${number}/site-packages`,
            `${layerRoot}/python`,
            runtimeRoot,
          ].join(':'),
        }
      : {
          NODE_PATH: `${layerRoot}/nodejs/node${number}/node_modules:${layerRoot}/nodejs/node_modules:${runtimeRoot}/node_modules:${runtimeRoot}:${taskRoot}`,
        }),
  }
}

let empty: string | undefined

function nothing(): string {
  empty ??= temporaryDirectory()
  return empty
}

let mountable: boolean | undefined

/** Whether this machine lets us give a process mounts of its own. */
function canMount(): boolean {
  if (mountable !== undefined) return mountable
  const dir = nothing()
  try {
    execFileSync('unshare', ['--mount', inside, dir, dir, dir, dir, '', 'true'], { stdio: 'ignore' })
    mountable = true
  } catch {
    mountable = false
  }
  return mountable
}

/** Whether a mount of the function's takes its place. */
function isHidden(path: string): boolean {
  return /^\/(tmp|opt|var)\//.test(path)
}
