/** An issuer of tokens as OpenID Connect has it: its keys are published, its tokens signed with RSA. */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Issuer {
  /** Where its documents are on this machine. */
  readonly address: string
  /** A token that counts for an hour and is for `iris`, but for these claims and this header. */
  token(claims?: object, header?: object): string
  close(): void
}

/** `name` is what stands in its tokens. */
export async function startIssuer(name: string): Promise<Issuer> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = {
    ...createPublicKey(privateKey).export({ format: 'jwk' }),
    kid: 'one',
    use: 'sig',
    alg: 'RS256',
  }
  const documents: Readonly<Record<string, object>> = {
    '/.well-known/openid-configuration': { issuer: name, jwks_uri: `${name}/keys.json` },
    '/keys.json': { keys: [key] },
  }
  const server = createServer(({ url = '' }, response) => {
    const found = documents[url]
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' })
    response.end(JSON.stringify(found ?? {}))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const token: Issuer['token'] = (claims = {}, header = {}) => {
    const now = Math.floor(Date.now() / 1000)
    const parts = [
      { alg: 'RS256', kid: 'one', ...header },
      { iss: name, aud: 'iris', iat: now, exp: now + 3600, sub: 'somebody', ...claims },
    ].map(part => Buffer.from(JSON.stringify(part)).toString('base64url'))
    const signature = sign('RSA-SHA256', Buffer.from(parts.join('.')), privateKey)
    return [...parts, signature.toString('base64url')].join('.')
  }
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token,
    close: () => void server.close(),
  }
}
