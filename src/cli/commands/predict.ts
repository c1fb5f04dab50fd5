/** `thampi predict`: asks the model and prints its answer as Python would. */
import { ThampiError } from '../../errors.ts'
import { type Prediction, predict, recordedInput } from '../../predict.ts'
import { engineFor } from '../engine.ts'
import { jsonArgument } from '../json-argument.ts'
import { indentedJson } from '../json-text.ts'
import { pprintJson } from '../pprint.ts'
import { report } from '../report.ts'
import type { Done, Session } from '../session.ts'

interface PredictFlags {
  readonly data?: string
  /** From 1. */
  readonly example?: number
}

export async function predictCommand(stage: string | undefined, flags: PredictFlags, session: Session): Done {
  const { output } = session
  const { data, example } = flags
  const given = example ?? (await jsonArgument('--data', data, 'thampi predict'))
  const engine = await engineFor(session)
  const input = typeof given === 'number' ? await recordedInput(stage, given, engine) : given
  const answer = await predict(stage, input, engine)
  if (answer.status < 400) {
    output.result(output.manner.json ? indentedJson(answer.body) : pprintJson(answer.body))
    return 0
  }
  const status = report(refused(answer), output)
  output.hint(`Run 'thampi tail ${engine.settings.stage(stage).name} --since=3m' to see recent error logs.`)
  return status
}

/** The front says no more than `Forbidden`; what it misses is a permission of whoever signed. */
const callersPolicy = 'thampi iam print   # these credentials may not call it; the policy that may'

/** The error a server answered with; a body that is no problem document is shown as it came. */
export function refused({
  status,
  body,
  signed,
}: Pick<Prediction, 'status' | 'body'> & Partial<Pick<Prediction, 'signed'>>): ThampiError {
  const problem = problemOf(body)
  const text = (name: string) => (typeof problem?.[name] === 'string' ? problem[name] : undefined)
  return new ThampiError('PREDICT_FAILED', {
    message: `${text('title') ?? 'The endpoint answered with an error'} (HTTP ${status}).`,
    why: text('detail') ?? (body.trim().slice(0, 500) || undefined),
    fix: text('hint') ?? (signed && status === 403 ? callersPolicy : undefined),
    problem,
  })
}

function problemOf(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const document: unknown = JSON.parse(body)
    return typeof document === 'object' && document !== null ? { ...document } : undefined
  } catch {
    return undefined
  }
}
