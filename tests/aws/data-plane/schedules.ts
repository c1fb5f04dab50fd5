/** EventBridge Scheduler fires when a test says so: every schedule asks its target once, with the rights of its role. */
import type { Lambda } from '../lambda/lambda.ts'
import type { Moto } from '../moto.ts'
import type { MayDo } from '../permissions.ts'
import type { Executions } from './executions.ts'

/** What a schedule got from its target. */
export interface Fired {
  readonly schedule: string
  /** Undefined when the target was not reached. */
  readonly payload?: string
  readonly error?: string
}

interface Schedule {
  readonly Name: string
  readonly State: 'ENABLED' | 'DISABLED'
  readonly Target: { readonly Arn: string; readonly RoleArn: string; readonly Input?: string }
}

export async function fireSchedules(
  moto: Moto,
  lambda: Lambda,
  executions: Executions,
  may: MayDo,
): Promise<readonly Fired[]> {
  const { region } = lambda.around
  const read = async <T>(path: string): Promise<T> =>
    JSON.parse((await moto.ask('scheduler', region, { method: 'GET', path })).body.toString()) as T
  const { Schedules } = await read<{ Schedules: { Name: string }[] }>('/schedules')
  const fired: Fired[] = []
  const names = Schedules.map(({ Name }) => Name).sort()
  for (const Name of names) {
    const { State, Target } = await read<Schedule>(`/schedules/${encodeURIComponent(Name)}`)
    if (State === 'ENABLED') fired.push(await fire(Name, Target, lambda, executions, may))
  }
  return fired
}

async function fire(
  schedule: string,
  { Arn, RoleArn, Input = '{}' }: Schedule['Target'],
  lambda: Lambda,
  executions: Executions,
  may: MayDo,
): Promise<Fired> {
  if (!(await may(RoleArn, 'lambda:InvokeFunction', Arn)))
    return { schedule, error: `${RoleArn} may not invoke ${Arn}` }
  const [, , , , , , name = '', qualifier] = Arn.split(':')
  try {
    const { payload } = await executions.run(lambda, name, qualifier, Buffer.from(Input))
    return { schedule, payload: payload.toString() }
  } catch (error) {
    return { schedule, error: (error as Error).message }
  }
}
