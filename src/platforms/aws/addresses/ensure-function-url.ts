/** An address of the function itself: no API before it, so no limit of 29 s, and no other guard than signatures. */
import type { FunctionUrlConfig } from '@aws-sdk/client-lambda'
import type { Address } from '../../platform.ts'
import type { Corner } from '../account.ts'
import { ifThere } from '../client/trouble.ts'
import { liveAlias } from '../names.ts'
import type { FunctionUrlSettings } from '../settings/access.ts'
import { converge } from '../steps/converge.ts'
import { ensureStatement, removeStatements } from './ensure-statement.ts'
import type { NewAddress } from './probe.ts'

/** For everybody it takes both. */
const publicStatements = [
  { StatementId: 'thampi-url', Action: 'lambda:InvokeFunctionUrl', FunctionUrlAuthType: 'NONE' },
  { StatementId: 'thampi-url-invoke', Action: 'lambda:InvokeFunction', InvokedViaFunctionUrl: true },
] as const

/** `wanted` undefined: there shall be none. */
export async function ensureFunctionUrl(
  corner: Corner,
  wanted: FunctionUrlSettings | undefined,
): Promise<NewAddress | undefined> {
  if (wanted === undefined) {
    await removeFunctionUrl(corner)
    return undefined
  }
  const lambda = await corner.cloud.lambda()
  const about = { ...aliasOf(corner), ...wanted, InvokeMode: 'BUFFERED' } as const
  let isNew = false
  const found = await converge({
    describe: () => describe(corner),
    isWanted: ({ AuthType, Cors }) => AuthType === wanted.AuthType && sameCors(Cors, wanted.Cors),
    change: async config => {
      isNew = true
      if (config !== undefined) return lambda.updateFunctionUrlConfig(about)
      const made = await lambda.createFunctionUrlConfig(about)
      corner.system.tell('Function URL created')
      return made
    },
  })
  const ids = publicStatements.map(({ StatementId }) => StatementId)
  if (wanted.AuthType === 'AWS_IAM') await removeStatements(corner, ids)
  else
    for (const statement of publicStatements) await ensureStatement(corner, { ...statement, Principal: '*' })
  return { ...addressOf(corner, found), isNew }
}

/** Undefined where there is none. */
export async function findFunctionUrl(corner: Corner): Promise<Address | undefined> {
  const found = await describe(corner)
  return found && addressOf(corner, found)
}

type Config = Partial<FunctionUrlConfig>

async function describe(corner: Corner): Promise<Config | undefined> {
  const lambda = await corner.cloud.lambda()
  return ifThere(lambda.getFunctionUrlConfig(aliasOf(corner)))
}

async function removeFunctionUrl(corner: Corner): Promise<void> {
  if ((await describe(corner)) === undefined) return
  const lambda = await corner.cloud.lambda()
  await ifThere(lambda.deleteFunctionUrlConfig(aliasOf(corner)))
  await removeStatements(
    corner,
    publicStatements.map(({ StatementId }) => StatementId),
  )
  corner.system.tell('Function URL removed, as the settings say')
}

/** The rules that are not there are empty ones. */
function sameCors(found: Config['Cors'] = {}, wanted: FunctionUrlSettings['Cors']): boolean {
  const rules = new Set([...Object.keys(found), ...Object.keys(wanted)])
  const text = (rulesOf: Readonly<Record<string, unknown>>, rule: string): string =>
    String(rulesOf[rule] ?? '')
  return [...rules].every(rule => text({ ...found }, rule) === text(wanted, rule))
}

/** The path is that of every other address of a model, so that callers change nothing but the host. */
function addressOf({ key, cloud }: Corner, { FunctionUrl = '', AuthType }: Config): Address {
  return {
    url: `${FunctionUrl.replace(/\/$/, '')}/${key.stage}/${key.model}/predict`,
    callers:
      AuthType === 'NONE'
        ? { bring: 'nothing' }
        : { bring: 'signature', service: 'lambda', region: cloud.region },
  }
}

function aliasOf({ names }: Corner): { FunctionName: string; Qualifier: string } {
  return { FunctionName: names.function, Qualifier: liveAlias }
}
