/** Who may invoke the alias that has a stage's traffic: one statement of its policy at a time. */
import type { AddPermissionCommandInput } from '@aws-sdk/client-lambda'
import type { Corner } from '../account.ts'
import { ifThere } from '../client/trouble.ts'
import { liveAlias } from '../names.ts'
import { converge } from '../steps/converge.ts'

export interface Permission
  extends Pick<AddPermissionCommandInput, 'FunctionUrlAuthType' | 'InvokedViaFunctionUrl'> {
  /** Names the statement; it is there once. */
  readonly StatementId: string
  readonly Action: string
  readonly Principal: string
  readonly SourceArn?: string
}

/** As Lambda shows them; what we compare. */
interface Statement {
  readonly Sid: string
  readonly Action: string
  readonly Condition?: { readonly ArnLike?: Readonly<Record<string, string>> }
}

export async function ensureStatement(corner: Corner, wanted: Permission): Promise<void> {
  const { StatementId, Action, SourceArn } = wanted
  const about = aliasOf(corner)
  const lambda = await corner.cloud.lambda()
  await converge<Statement>({
    describe: async () => (await statementsOf(corner)).find(({ Sid }) => Sid === StatementId),
    isWanted: found =>
      found.Action === Action &&
      (SourceArn === undefined || found.Condition?.ArnLike?.['AWS:SourceArn'] === SourceArn),
    change: async found => {
      // It is there, but for something that is gone.
      if (found !== undefined) await ifThere(lambda.removePermission({ ...about, StatementId }))
      const { Statement = '{}' } = await lambda.addPermission({ ...about, ...wanted })
      return JSON.parse(Statement) as Statement
    },
  })
}

/** Those of these statements that are there go. */
export async function removeStatements(corner: Corner, ids: readonly string[]): Promise<void> {
  const lambda = await corner.cloud.lambda()
  for (const { Sid } of await statementsOf(corner))
    if (ids.includes(Sid)) await ifThere(lambda.removePermission({ ...aliasOf(corner), StatementId: Sid }))
}

async function statementsOf(corner: Corner): Promise<readonly Statement[]> {
  const lambda = await corner.cloud.lambda()
  const found = await ifThere(lambda.getPolicy(aliasOf(corner)))
  return (JSON.parse(found?.Policy ?? '{}') as { Statement?: readonly Statement[] }).Statement ?? []
}

function aliasOf({ names }: Corner): { FunctionName: string; Qualifier: string } {
  return { FunctionName: names.function, Qualifier: liveAlias }
}
