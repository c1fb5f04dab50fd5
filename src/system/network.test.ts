import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, request, type Server } from 'node:http'
import { createServer as createTlsServer, request as secureRequest } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'
import { selfSigned } from '../../tests/support/certificate.ts'
import { temporaryDirectory } from '../../tests/support/python.ts'
import { type NetworkOptions, openNetwork, proxyFor } from './network.ts'

const certificate = selfSigned()
const trusted = join(temporaryDirectory(), 'company.pem')
writeFileSync(trusted, certificate.cert)

const closing: (() => void)[] = []
afterEach(() => closing.splice(0).forEach(close => void close()))

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const hello: RequestListener = (_, response) => response.end('hello')
const plainServer = () => listen(createServer(hello))
const tlsServer = () => listen(createTlsServer(certificate, hello))

/** A proxy as a company has it: it writes down who asked for what, and may want a password. */
async function proxy(login?: string): Promise<{ port: number; log: string[] }> {
  const log: string[] = []
  const allowed = ({ headers }: IncomingMessage): boolean =>
    login === undefined || headers['proxy-authorization'] === `Basic ${Buffer.from(login).toString('base64')}`
  const server = createServer((asked, response) => {
    log.push(`${asked.method} ${asked.url}`)
    const { 'proxy-authorization': _, ...headers } = asked.headers
    if (!allowed(asked)) return void response.writeHead(407).end()
    request(asked.url as string, { headers }, answer =>
      answer.pipe(response.writeHead(answer.statusCode ?? 0)),
    ).end()
  })
  server.on('connect', (asked, socket) => {
    log.push(`CONNECT ${asked.url}`)
    if (!allowed(asked)) return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    const [host, port] = (asked.url as string).split(':')
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    closing.push(() => upstream.destroy())
    for (const end of [socket, upstream]) end.on('error', () => {})
  })
  return { port: await listen(server), log }
}

/** What a GET brings. */
async function get(url: string, options: Partial<NetworkOptions> = {}): Promise<string> {
  const network = openNetwork({ env: {}, silentMs: 5_000, connections: 8, ...options })
  closing.push(() => network.close())
  const response = await network.get(new URL(url), {}, AbortSignal.timeout(20_000))
  return `${response.statusCode} ${await text(response)}`
}

describe('a certificate', () => {
  it.each(['PIP_CERT', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS'])(
    'is trusted when %s names it, and only then',
    async name => {
      const url = `https://127.0.0.1:${await tlsServer()}/`
      await expect(get(url)).rejects.toMatchObject({ code: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
      expect(await get(url, { env: { [name]: trusted } })).toBe('200 hello')
    },
  )

  it('is trusted when the settings of pip name it, or say that the host’s does not matter', async () => {
    const port = await tlsServer()
    const url = `https://localhost:${port}/`
    expect(await get(url, { certificates: trusted })).toBe('200 hello')
    expect(await get(url, { trusted: [`localhost:${port}`] })).toBe('200 hello')
    expect(await get(url, { trusted: ['localhost'] })).toBe('200 hello')
    await expect(get(url, { trusted: ['localhost:1', 'host', '127.0.0.1'] })).rejects.toThrow('self-signed')
  })

  it('that is not where its variable says is an error that names both', async () => {
    await expect(get('https://127.0.0.1:1/', { env: { PIP_CERT: '/nowhere.pem' } })).rejects.toMatchObject({
      code: 'NETWORK',
      message: '"/nowhere.pem" cannot be read: it was to hold certificates (PIP_CERT).',
    })
  })
})

describe('a proxy', () => {
  it('that gave a connection has no say in how long it is silent', async () => {
    const { port } = await proxy()
    const slow = await listen(
      createTlsServer(certificate, (_, response) => void setTimeout(() => response.end('late'), 700)),
    )
    const env = { HTTPS_PROXY: `http://127.0.0.1:${port}`, SSL_CERT_FILE: trusted }
    const network = openNetwork({ env, silentMs: 200, connections: 1 })
    closing.push(() => network.close())
    const answer = await new Promise<IncomingMessage>((done, fail) => {
      secureRequest(`https://127.0.0.1:${slow}/`, { agent: network.agent }, done).on('error', fail).end()
    })
    expect(await text(answer)).toBe('late')
  })

  it('is asked for whole addresses, and for connections in which TLS goes end to end', async () => {
    const { port, log } = await proxy()
    const [plain, secure] = [await plainServer(), await tlsServer()]
    const env = {
      http_proxy: `http://127.0.0.1:${port}`,
      HTTPS_PROXY: `127.0.0.1:${port}`,
      SSL_CERT_FILE: trusted,
    }
    expect(await get(`http://127.0.0.1:${plain}/a?b=c`, { env })).toBe('200 hello')
    expect(await get(`https://127.0.0.1:${secure}/a`, { env })).toBe('200 hello')
    expect(log).toEqual([`GET http://127.0.0.1:${plain}/a?b=c`, `CONNECT 127.0.0.1:${secure}`])
    await expect(
      get(`https://127.0.0.1:${secure}/a`, { env: { ...env, SSL_CERT_FILE: '' } }),
    ).rejects.toThrow('self-signed')
  })

  it('that wants a user name and a password gets them from its address', async () => {
    const { port } = await proxy('anna:s@cret')
    const [plain, secure] = [await plainServer(), await tlsServer()]
    const options = { proxy: `http://anna:s%40cret@127.0.0.1:${port}`, certificates: trusted }
    expect(await get(`http://127.0.0.1:${plain}/`, options)).toBe('200 hello')
    expect(await get(`https://127.0.0.1:${secure}/`, options)).toBe('200 hello')
    const wrong = { ...options, proxy: `http://anna:other@127.0.0.1:${port}` }
    expect(await get(`http://127.0.0.1:${plain}/`, wrong)).toBe('407 ')
    await expect(get(`https://127.0.0.1:${secure}/`, wrong)).rejects.toMatchObject({
      code: 'NETWORK',
      message: `The proxy 127.0.0.1:${port} gives no connection to 127.0.0.1.`,
      why: 'It says 407 Proxy Authentication Required. It wants a user name and a password in its address.',
    })
  })

  it('that is not there is named, without its password', async () => {
    const { port } = await proxy()
    closing.splice(0).forEach(close => void close())
    const error = await get('https://127.0.0.1:1/', { proxy: `http://anna:secret@127.0.0.1:${port}` }).catch(
      caught => caught,
    )
    expect(error).toMatchObject({ code: 'NETWORK', fix: expect.stringContaining('NO_PROXY') })
    expect(`${error.message} ${error.why}`).toMatch(/127\.0\.0\.1:\d+ gives no connection.*ECONNREFUSED/)
    expect(`${error.message} ${error.why}`).not.toMatch(/anna|secret/)
  })

  it('that is none is refused by the name of its variable', async () => {
    await expect(
      get('https://127.0.0.1:1/', { env: { ALL_PROXY: 'socks5://127.0.0.1:1080' } }),
    ).rejects.toMatchObject({
      code: 'NETWORK',
      message: 'The proxy of this machine (ALL_PROXY) cannot be used.',
    })
  })

  const env = { https_proxy: 'http://proxy.example.org:3128' }
  it.each([
    ['', 'https://files.example.org/', true],
    ['example.org', 'https://files.example.org/', false],
    ['.example.org', 'https://files.example.org/', false],
    ['*.example.org', 'https://files.example.org/', false],
    ['files.example.org:443', 'https://files.example.org/', false],
    ['files.example.org:8443', 'https://files.example.org/', true],
    ['ample.org', 'https://files.example.org/', true],
    ['other.test, EXAMPLE.ORG', 'https://files.example.org/', false],
    ['other.test *', 'https://files.example.org/', false],
    ['127.0.0.1,::1', 'https://[::1]:8443/', false],
    ['[::1]:8443', 'https://[::1]:8443/', false],
    ['0.0.1', 'https://127.0.0.1/', true],
    ['10.0.0.0/8', 'https://10.20.30.40/', false],
    ['10.0.0.0/8,10.0.0.0/99,x/8,/', 'https://11.20.30.40/', true],
  ])('is passed by what NO_PROXY names: %j, %s', (no_proxy, url, used) => {
    expect(proxyFor(new URL(url), { ...env, no_proxy }) !== undefined).toBe(used)
    expect(proxyFor(new URL(url), { ...env, NO_PROXY: no_proxy }) !== undefined).toBe(used)
  })

  it('for one scheme is not asked for the other', () => {
    expect(proxyFor(new URL('http://example.org/'), env)).toBeUndefined()
    expect(proxyFor(new URL('http://example.org/'), { all_proxy: 'proxy.example.org:80' })?.href).toBe(
      'http://proxy.example.org/',
    )
  })
})
