/** The SDK's own signer, for requests that are no calls of a service: predictions at an address that wants signatures. */
import { Sha256 } from '@smithy/core/checksum'
import { SignatureV4 } from '@smithy/signature-v4'
import type { Outgoing } from '../../../platform.ts'

type Given = ConstructorParameters<typeof SignatureV4>[0]

export interface Signing extends Pick<Given, 'credentials'> {
  /** That checks the signature: `execute-api` for APIs, `lambda` for Function URLs. */
  readonly service: string
  readonly region: string
  readonly now: Date
}

/** Gives all the headers it has to be sent with. */
export async function signedHeaders(
  { method, url, headers, body }: Outgoing,
  { now, ...about }: Signing,
): Promise<Record<string, string>> {
  const { protocol, host, hostname, port, pathname, searchParams } = new URL(url)
  const signed = await new SignatureV4({ ...about, sha256: Sha256 }).sign(
    {
      method,
      protocol,
      hostname,
      ...(port === '' ? {} : { port: Number(port) }),
      path: pathname,
      query: Object.fromEntries(searchParams),
      headers: { ...headers, host },
      body,
    },
    { signingDate: now },
  )
  // Whoever sends it writes that one by itself, and the same.
  const { host: _, ...rest } = signed.headers
  return rest
}
