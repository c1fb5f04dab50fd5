/** A domain of the user's for the API of a stage, as the settings say it. */
import { ThampiError } from '../../../errors.ts'
import type { Stage } from '../../../settings/stage.ts'
import { asksForRest } from './rest.ts'

export interface DomainSettings {
  /** `iris.example.com` */
  readonly name: string
  /** What stands before the model in its paths; empty: nothing. */
  readonly basePath: string
  readonly certificateArn: string
  /** Whether its name is to be told to the world by Route 53; else somebody else does. */
  readonly hasRecord: boolean
}

/** @throws ThampiError SETTINGS_INVALID for one that could not be made */
export function domainOf(settings: Stage, hasApi: boolean): DomainSettings | undefined {
  const { aws, name: stage } = settings
  if (aws.domain === undefined) return undefined
  const name = String(aws.domain).toLowerCase()
  const invalid = (message: string, why: string, fix: string): ThampiError =>
    new ThampiError('SETTINGS_INVALID', { message, why, fix })
  if (!/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/.test(name)) {
    throw invalid(
      `\`domain\` of stage \`${stage}\` is ${JSON.stringify(aws.domain)}, which is no name of a host.`,
      'It stands alone, without "https://" and without a path.',
      'write "domain": "iris.example.com"',
    )
  }
  if (!hasApi) {
    throw invalid(
      `Stage \`${stage}\` has the \`domain\` ${name} and no API.`,
      'A domain leads to an API; a Function URL has a name of its own.',
      'take "apigateway_enabled" out, or "domain"',
    )
  }
  const rest = asksForRest(settings)
  if (rest !== undefined) {
    throw invalid(
      `Stage \`${stage}\` has the \`domain\` ${name}, and \`${rest}\`, which only a REST API honours.`,
      'A domain leads to the HTTP API of a stage so far.',
      'leave one of the two out',
    )
  }
  const certificateArn = String(aws.certificate_arn ?? '')
  if (!certificateArn.includes(':acm:')) {
    throw invalid(
      `The \`domain\` ${name} of stage \`${stage}\` has no \`certificate_arn\`.`,
      'API Gateway answers under a name only with its certificate, from AWS Certificate Manager.',
      'write "certificate_arn": "arn:aws:acm:REGION:ACCOUNT:certificate/…"',
    )
  }
  const basePath = String(aws.base_path ?? '').replace(/^\/+|\/+$/g, '')
  return { name, basePath, certificateArn, hasRecord: aws.route53_enabled !== false }
}
