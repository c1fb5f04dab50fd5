/** Requests that their callers signed, checked as AWS does it: the canonical request is made anew from what arrived. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { Request } from '../actions.ts'
import type { Need } from '../permissions.ts'

export interface Signed {
  readonly accessKeyId: string
}

export interface Scope {
  readonly service: string
  readonly region: string
  /** Of an access key; undefined: nobody has it. */
  readonly secretOf: (accessKeyId: string) => string | undefined
  readonly now?: Date
}

/** Whether a request is signed for a service by somebody who may do what it needs. */
export type Permits = (
  request: Request,
  asked: { readonly service: string; readonly region: string; readonly needs: readonly Need[] },
) => boolean

/** How far the clocks may be apart. */
const skewMs = 5 * 60_000

/** Undefined when it is not signed, or not with this signature, or for something else, or at another time. */
export function signerOf(
  request: Request,
  { service, region, secretOf, now = new Date() }: Scope,
): Signed | undefined {
  const { headers } = request
  const said =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    )
  const [, accessKeyId = '', day = '', of = '', name = '', names = '', signature = ''] = said ?? []
  const secret = secretOf(accessKeyId)
  const time = String(headers['x-amz-date'] ?? '')
  if (!said || secret === undefined || name !== service || of !== region || !time.startsWith(day)) return
  if (Math.abs(now.getTime() - timeOf(time)) > skewMs) return
  const signed = names.split(';')
  if (!signed.includes('host') || !signed.includes('x-amz-date')) return
  // Of what stands in such a header AWS believes nothing that was not signed.
  if (Object.keys(headers).some(header => header.startsWith('x-amz-') && !signed.includes(header))) return
  const scope = `${day}/${region}/${service}/aws4_request`
  const text = ['AWS4-HMAC-SHA256', time, scope, sha256(canonicalOf(request, signed))].join('\n')
  const key = [day, region, service, 'aws4_request'].reduce<Buffer>(
    (secretSoFar, part) => hmac(secretSoFar, part),
    Buffer.from(`AWS4${secret}`),
  )
  return timingSafeEqual(hmac(key, text), Buffer.from(signature, 'hex')) ? { accessKeyId } : undefined
}

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function canonicalOf({ method, path, query, headers, body }: Request, signed: readonly string[]): string {
  const parameters = [...query].map(([name, value]) => `${encoded(name)}=${encoded(value)}`).sort()
  const values = signed.map(
    name =>
      `${name}:${String(headers[name] ?? '')
        .trim()
        .replace(/ +/g, ' ')}\n`,
  )
  return [
    method,
    // What arrives encoded is encoded once more; only S3 does without.
    path.split('/').map(encoded).join('/'),
    parameters.join('&'),
    values.join(''),
    signed.join(';'),
    sha256(body),
  ].join('\n')
}

function encoded(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    letter => `%${letter.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** `20261123T064417Z` */
function timeOf(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'))
}

function sha256(bytes: string | Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest()
}
