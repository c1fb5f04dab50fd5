/** `thampi serve`: steps on stderr, the URL alone on stdout, and at the end what to type next. */
import type { Engine } from '../../engine.ts'
import type { Served, ServeOptions } from '../../serve.ts'
import type { Stage } from '../../settings/stage.ts'
import { curlLine } from '../curl-line.ts'
import { report } from '../report.ts'
import type { Done, Session } from '../session.ts'
import { shellWord } from '../shell-word.ts'
import { naiveTime } from '../times.ts'
import { deploymentDocument } from './info.ts'

interface ServeFlags {
  readonly modelDir?: string
  readonly dependencyFile?: string
  readonly projectDir?: string
  readonly servedTimeUtc?: string
  readonly python?: string
  readonly includeSecret?: readonly string[]
  readonly watch?: true
  readonly dryRun?: true
  readonly excludeNewer?: string
  /** `--no-try` */
  readonly try?: boolean
}

export async function serveCommand(stage: string | undefined, flags: ServeFlags, session: Session): Done {
  const { output } = session
  const servedTimeUtc = flags.servedTimeUtc === undefined ? undefined : naiveTime(flags.servedTimeUtc)
  if (!flags.dryRun) output.step('..Waking up The Whale. This will take a while...')
  // Only now the heavy parts: nobody should look at an empty screen while they load.
  const [{ serve }, { packingEngine }] = await Promise.all([import('../../serve.ts'), import('../engine.ts')])
  const { includeSecret, watch, dryRun, try: tries, ...rest } = flags
  const options: ServeOptions = {
    ...rest,
    ...(servedTimeUtc === undefined ? {} : { servedTimeUtc }),
    ...(includeSecret === undefined ? {} : { includeSecrets: includeSecret }),
    ...(tries === false ? { trial: 'never' } : {}),
  }
  if (dryRun) return (await import('./rehearse.ts')).rehearseCommand(stage, options, session)
  const engine = await packingEngine(rest.modelDir, session)
  if (watch) return watching(stage, options, engine, session)
  const served = await serve(stage, options, engine)
  if (output.manner.json) output.document(servedDocument(served))
  else output.result(served.deployment.url)
  sayWhatIsNext(served, engine.settings.stage(served.deployment.stage), session)
  return 0
}

/** Until Ctrl-C: the URL once, then a line for each version, or what is wrong with the files as they are. */
async function watching(
  stage: string | undefined,
  options: ServeOptions,
  engine: Engine,
  session: Session,
): Done {
  const { output } = session
  const { watchAndServe } = await import('../../watch.ts')
  let url: string | undefined
  const onServed = (served: Served): void => {
    if (output.manner.json) output.document(servedDocument(served))
    else if (url === undefined) output.result(served.deployment.url)
    if (url === undefined) output.hint('Watching for changes; Ctrl-C ends that, the URL stays.')
    url = served.deployment.url
  }
  const onError = (error: unknown): void => {
    report(error, output)
    output.hint(
      url === undefined ? 'Watching for changes; Ctrl-C ends that.' : 'What was served before goes on.',
    )
  }
  await watchAndServe(stage, { ...options, onServed, onError, signal: session.interrupts() }, engine)
  return 0
}

function servedDocument({ deployment, version, model, unchanged, proof }: Served) {
  return {
    ...deploymentDocument(deployment),
    version: version.number,
    bundle: version.bundle,
    instance_id: version.instanceId,
    saved_model: model.dir,
    unchanged,
    like_lambda: version.likeness,
    receipts_replayed: proof.examples,
  }
}

/** A longer example is more noise than help. */
const longestExample = 160

function sayWhatIsNext(
  { deployment, model }: Served,
  { name, meantFor, apiKeyRequired }: Stage,
  { output, platform }: Session,
): void {
  // Where a flag has put it somewhere else than the settings do, the next command needs the flag as well.
  const stage = platform === undefined || platform === meantFor ? name : `${name} --platform ${platform}`
  if (apiKeyRequired) output.hint(`Callers need a key. To make one: thampi keys create ${stage} NAME`)
  const data = model.receipts[0]?.data
  if (data === undefined) {
    // Only the author knows what the model wants; an invented example would be answered with an error.
    output.hint(`Next: thampi predict ${stage} --data '…'   # what your model's predict gets as args`)
    return
  }
  if (data.length > longestExample) {
    output.hint(`Next: thampi predict ${stage} --example`)
    return
  }
  const { url, callers } = deployment
  output.hint(`Try it:\n  ${curlLine({ url, data, callers, needsKey: apiKeyRequired })}`)
  output.hint(`  thampi predict ${stage} --data ${shellWord(data)}`)
}
