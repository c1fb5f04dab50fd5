/**
 * Lambda on this machine: runs the unpacked directory of a function as the service does, with the service's own rules.
 *
 * Python functions are driven by Amazon's client (awslambdaric), Node functions by a small one of ours, both over the
 * Runtime API in `lambda/server.ts`. Where mount namespaces are to be had (root on Linux) the function finds its code at
 * `/var/task`, its layers at `/opt` and the runtime at `/var/runtime`, all read-only, and can write to `/tmp` alone;
 * elsewhere it gets their real paths in `LAMBDA_TASK_ROOT`, `PYTHONPATH` and `TMPDIR`.
 *
 * Kept: one event at a time per environment and as many environments as `concurrency`; ten seconds to start, then a
 * second start within the first invocation; the function's timeout; memory; 6 MB in and out; 4 KB of variables and no
 * variable of ours; scratch that survives a crash; SnapStart's protocol. Not kept: freezing between events, CPU by
 * memory, the size of scratch, IAM.
 *
 * @example
 * const fn = await runFunction({ taskRoot, runtime: 'nodejs24.x', handler: 'index.handler' })
 * const { payload, functionError, log } = await fn.invoke({ data: 1 })
 * await fn.close()
 */
import { checkVariables, recipeOf } from './lambda/recipe.ts'
import { Running } from './lambda/running.ts'

export { Refused } from './lambda/refused.ts'
export { type RuntimeApi, startRuntimeApi } from './lambda/server.ts'

export interface FunctionOptions {
  /** The function zip, unpacked. */
  readonly taskRoot: string
  /** The layers, unpacked over each other: what stands at `/opt`. */
  readonly layerRoot?: string | undefined
  /** `python3.13`, `nodejs24.x`: what the function is told, and which client drives it. */
  readonly runtime: string
  /** `thampi_handler.handler` */
  readonly handler: string
  /** The interpreter; by default the tests' own Python, or the Node that runs the tests. */
  readonly program?: string | undefined
  /** Instead of what the managed runtime brings: what stands at `/var/runtime`. */
  readonly runtimeRoot?: string | undefined
  /** The function's own variables; nothing else of this process gets to it. */
  readonly environment?: Readonly<Record<string, string>> | undefined
  /** Of the role; by default ones that nobody accepts. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string } | undefined
  readonly name?: string | undefined
  /** `$LATEST`, or a number. */
  readonly version?: string | undefined
  readonly region?: string | undefined
  /** 128 unless told otherwise, as in Lambda. */
  readonly memoryMb?: number | undefined
  /** 3 unless told otherwise, as in Lambda. */
  readonly timeoutSeconds?: number | undefined
  /** 10; with SnapStart 130. */
  readonly initSeconds?: number | undefined
  /** The most environments at once; an event beyond is refused as throttled. 1 unless told otherwise. */
  readonly concurrency?: number | undefined
  /** Starts at once, up to the snapshot; the first event restores it. */
  readonly snapStart?: boolean | undefined
  /** False: real paths, also where mounts are to be had. */
  readonly mounts?: boolean | undefined
  /** Everything that is printed, with the platform's own lines. */
  readonly onLog?: ((text: string) => void) | undefined
}

export interface Invocation {
  readonly requestId: string
  readonly payload: Buffer
  /** The header `X-Amz-Function-Error`. */
  readonly functionError?: 'Unhandled'
  /** From START to REPORT, and what was printed while the function started for it. */
  readonly log: string
  readonly durationMs: number
  /** When the environment was started for it. */
  readonly initMs?: number | undefined
  readonly maxMemoryMb: number
}

export interface InvokeOptions {
  readonly requestId?: string | undefined
  /** Of the alias or version that was asked for. */
  readonly arn?: string | undefined
  /** As the service takes it: base64. */
  readonly clientContext?: string | undefined
}

export interface RunningFunction {
  /** Throws `Refused` when the service would not have run it at all. */
  invoke(event: unknown, options?: InvokeOptions): Promise<Invocation>
  /** Processes that are alive, for tests that look at them or end them. */
  readonly pids: readonly number[]
  /** Scratch of each environment: what it has at `/tmp`. */
  readonly scratch: readonly string[]
  /** Whether code and layers stand where Lambda has them. */
  readonly mounted: boolean
  close(): Promise<void>
}

/** Makes a function runnable; its first process starts with its first event, with SnapStart at once. */
export async function runFunction(options: FunctionOptions): Promise<RunningFunction> {
  checkVariables(options.environment ?? {})
  const running = new Running(options, recipeOf(options))
  if (options.snapStart) await running.publish()
  return running
}
