/** Who may invoke: the resource policies of functions, versions and aliases, each its own. */
import { randomUUID } from 'node:crypto'
import type { AddPermissionRequest } from '@aws-sdk/client-lambda'
import { AwsError, conflict, jsonAnswer, notFound } from '../errors.ts'
import type { Fn, Statement } from './function.ts'
import { checkRevision } from './functions.ts'
import { bodyOf, type Handle } from './lambda.ts'

const maxPolicyBytes = 20_480

export const policyCalls: Readonly<Record<string, Handle>> = {
  AddPermission: (lambda, call) => {
    const asked = bodyOf<AddPermissionRequest>(call)
    const fn = lambda.function(call.name)
    const { key, arn, revised } = ownerOf(fn, call.qualifier)
    checkRevision(asked.RevisionId, revised)
    const before = fn.policies.get(key) ?? []
    if (before.some(({ Sid }) => Sid === asked.StatementId))
      throw conflict(
        `The statement id (${asked.StatementId}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
      )
    const statement = statementOf(asked, arn)
    const after = [...before, statement]
    const bytes = Buffer.byteLength(policyOf(after))
    if (bytes > maxPolicyBytes)
      throw new AwsError(
        400,
        'PolicyLengthExceededException',
        `The final policy size (${bytes}) is bigger than the limit (${maxPolicyBytes}).`,
      )
    fn.policies.set(key, after)
    revised.touch()
    return jsonAnswer(201, { Statement: JSON.stringify(statement) })
  },

  RemovePermission: (lambda, call) => {
    const fn = lambda.function(call.name)
    const { key, revised } = ownerOf(fn, call.qualifier)
    checkRevision(call.query.get('RevisionId') ?? undefined, revised)
    const [, id = ''] = call.parameters
    const before = fn.policies.get(key) ?? []
    const after = before.filter(({ Sid }) => Sid !== id)
    if (after.length === before.length) throw notFound(`Statement ${id} is not found in resource policy.`)
    if (after.length === 0) fn.policies.delete(key)
    else fn.policies.set(key, after)
    revised.touch()
    return jsonAnswer(204)
  },

  GetPolicy: (lambda, { name, qualifier }) => {
    const fn = lambda.function(name)
    const { key, revised } = ownerOf(fn, qualifier)
    const statements = fn.policies.get(key)
    if (!statements) throw notFound('The resource you requested does not exist.')
    return jsonAnswer(200, { Policy: policyOf(statements), RevisionId: revised.revision })
  },
}

/** What a policy hangs on: a version, or an alias as such, not the version that it stands for. */
function ownerOf(
  fn: Fn,
  qualifier: string | undefined,
): {
  key: string
  arn: string
  revised: { readonly revision: string; touch(): void }
} {
  const alias = fn.aliases.get(qualifier ?? '')
  if (alias) {
    const touch = (): void => {
      alias.revision = randomUUID()
    }
    return {
      key: alias.name,
      arn: alias.arn,
      revised: {
        get revision() {
          return alias.revision
        },
        touch,
      },
    }
  }
  const { version, arn } = fn.at(qualifier)
  return { key: qualifier ?? '', arn, revised: version }
}

function statementOf(asked: AddPermissionRequest, arn: string): Statement {
  const { Principal: principal = '', SourceArn, SourceAccount, FunctionUrlAuthType } = asked
  const equals = {
    ...(SourceAccount !== undefined && { 'AWS:SourceAccount': SourceAccount }),
    ...(FunctionUrlAuthType !== undefined && { 'lambda:FunctionUrlAuthType': FunctionUrlAuthType }),
  }
  const condition = {
    ...(Object.keys(equals).length > 0 && { StringEquals: equals }),
    ...(SourceArn !== undefined && { ArnLike: { 'AWS:SourceArn': SourceArn } }),
    ...(asked.InvokedViaFunctionUrl && { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } }),
  }
  const isService = principal.endsWith('.amazonaws.com')
  return {
    Sid: asked.StatementId ?? '',
    Effect: 'Allow',
    Principal: principal === '*' ? '*' : isService ? { Service: principal } : { AWS: principal },
    Action: asked.Action ?? '',
    Resource: arn,
    ...(Object.keys(condition).length > 0 && { Condition: condition }),
  }
}

function policyOf(statements: readonly Statement[]): string {
  return JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: statements })
}
