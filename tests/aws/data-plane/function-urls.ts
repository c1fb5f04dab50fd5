/** Function URLs as their callers see them: `https://<id>.lambda-url.<region>.on.aws/` stands here under `/_url/<id>/`. */
import type { FunctionUrlConfig } from '@aws-sdk/client-lambda'
import type { Request } from '../actions.ts'
import { AwsError, jsonAnswer } from '../errors.ts'
import type { Fn } from '../lambda/function.ts'
import type { Lambda } from '../lambda/lambda.ts'
import type { Answer } from '../moto.ts'
import type { Executions } from './executions.ts'
import { isGranted } from './grants.ts'
import { answerOf, eventOf } from './http-event.ts'
import type { Permits } from './signatures.ts'

const forbidden =
  'Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html'

interface Found {
  readonly lambda: Lambda
  readonly fn: Fn
  readonly qualifier: string
  readonly config: FunctionUrlConfig
}

export interface FunctionUrlsOptions {
  readonly lambdas: ReadonlyMap<string, Lambda>
  readonly executions: Executions
  readonly settleMs: () => number
  readonly permits: Permits
}

export class FunctionUrls {
  readonly #lambdas: ReadonlyMap<string, Lambda>
  readonly #executions: Executions
  readonly #settleMs: () => number
  readonly #permits: Permits

  constructor({ lambdas, executions, settleMs, permits }: FunctionUrlsOptions) {
    this.#lambdas = lambdas
    this.#executions = executions
    this.#settleMs = settleMs
    this.#permits = permits
  }

  async answer(request: Request): Promise<Answer> {
    const [, , id = '', ...rest] = request.path.split('/')
    const found = this.#find(id)
    if (!found || !this.#isOpen(found, request)) return jsonAnswer(403, { Message: forbidden })
    const { lambda, fn, qualifier } = found
    const event = eventOf(request, {
      id,
      domain: `${id}.lambda-url.${lambda.around.region}.on.aws`,
      stage: '$default',
      routeKey: '$default',
      rawPath: `/${rest.join('/')}`,
    })
    try {
      const executed = await this.#executions.run(lambda, fn.name, qualifier || undefined, event)
      const answer = executed.functionError ? undefined : answerOf(executed.payload)
      return answer ?? { status: 502, headers: {}, body: Buffer.from('Internal Server Error') }
    } catch (error) {
      if (!(error instanceof AwsError)) throw error
      return jsonAnswer(error.status, { Message: error.message })
    }
  }

  #find(id: string): Found | undefined {
    for (const lambda of this.#lambdas.values()) {
      for (const fn of lambda.functions.values()) {
        for (const [qualifier, config] of fn.urls)
          if (config.FunctionUrl?.includes(`/_url/${id}/`)) return { lambda, fn, qualifier, config }
      }
    }
    return undefined
  }

  /** Two permissions since October 2025: of the caller, or for everybody in two statements on the same qualifier. */
  #isOpen({ lambda, fn, qualifier, config }: Found, request: Request): boolean {
    if (Date.now() - Date.parse(config.LastModifiedTime ?? '') < this.#settleMs()) return false
    const actions = ['lambda:InvokeFunctionUrl', 'lambda:InvokeFunction']
    if (config.AuthType === 'AWS_IAM') {
      const needs = actions.map(permission => ({ permission, resource: config.FunctionArn ?? '' }))
      return this.#permits(request, { service: 'lambda', region: lambda.around.region, needs })
    }
    const statements = fn.policies.get(qualifier)
    const wish = { principal: '*', urlAuthType: 'NONE', viaUrl: true }
    return actions.every(action => isGranted(statements, { action, ...wish }))
  }
}
