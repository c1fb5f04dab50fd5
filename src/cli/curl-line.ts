/** The line with which somebody asks a stage from a shell, without Thampi. */
import type { Callers } from '../platforms/platform.ts'
import { shellWord } from './shell-word.ts'

export interface Asked {
  readonly url: string
  /** JSON text. */
  readonly data: string
  readonly callers?: Callers | undefined
  /** An API key, whatever else they bring. */
  readonly needsKey?: boolean
}

/**
 * What is secret comes from the environment of whoever runs it. Without a session token that header is empty, and curl
 * sends no header that is empty.
 *
 * @example
 * curlLine({ url, data: '1' }) // `curl -d '{"data": 1}' https://…/predict`
 */
export function curlLine({ url, data, callers, needsKey = false }: Asked): string {
  const signature =
    callers?.bring === 'signature'
      ? [
          `--aws-sigv4 ${shellWord(`aws:amz:${callers.region}:${callers.service}`)}`,
          '--user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"',
          '-H "x-amz-security-token: $AWS_SESSION_TOKEN"',
        ]
      : []
  const token =
    callers?.bring === 'token'
      ? [`-H "${callers.header}: ${callers.isBearer ? 'Bearer ' : ''}$THAMPI_TOKEN"`]
      : []
  const key = needsKey ? [`-H 'x-api-key: KEY'`] : []
  return ['curl', ...signature, ...token, ...key, `-d ${shellWord(`{"data": ${data}}`)}`, url].join(' ')
}
