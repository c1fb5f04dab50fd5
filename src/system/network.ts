/**
 * HTTP as this machine is told to do it: through the proxy of its environment, with the certificates of its company.
 * By hand, because Node's `fetch` can do neither on Node 20, and undici, which could, is half as big as all of Thampi.
 */
import { readFileSync } from 'node:fs'
import * as http from 'node:http'
import * as https from 'node:https'
import { BlockList, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import * as tls from 'node:tls'
import { ThampiError } from '../errors.ts'
import type { Environment } from './places.ts'

export interface NetworkOptions {
  readonly env: Environment
  /** A proxy for everything, before what the environment says. */
  readonly proxy?: string | undefined
  /** A file of certificates to trust beside those of Node and of the environment. */
  readonly certificates?: string | undefined
  /** Hosts, with or without a port, whose certificates are not looked at. */
  readonly trusted?: readonly string[]
  /** The other side may be silent for as long; then the connection is given up. */
  readonly silentMs: number
  /** Connections to one host at a time. */
  readonly connections: number
}

/** Connections that are kept for the next request, until `close`. */
export interface Network {
  /** For clients that speak HTTP by themselves: their TLS goes the same ways, and trusts the same certificates. */
  readonly agent: https.Agent
  /**
   * One GET. Redirects are not followed and a status is not judged: both are the caller's business.
   *
   * @throws ThampiError NETWORK when the proxy or the file of certificates cannot be used; else what the connection said
   */
  get(url: URL, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<http.IncomingMessage>
  close(): void
}

/**
 * @example
 * const network = openNetwork({ env: process.env, silentMs: 30_000, connections: 8 })
 * const response = await network.get(new URL('https://files.example.org/a.whl'), {}, AbortSignal.timeout(60_000))
 */
export function openNetwork({ env, silentMs, connections, ...options }: NetworkOptions): Network {
  let trust: tls.SecureContext | undefined
  const tlsFor = (url: URL): tls.ConnectionOptions => {
    // Read when the first one is needed: parsing takes a hundredth of a second.
    trust ??= contextOf(certificateFiles(env, options.certificates))
    return {
      secureContext: trust,
      servername: isIP(bare(url.hostname)) ? '' : url.hostname,
      rejectUnauthorized: !(options.trusted ?? []).some(
        host => host === url.hostname || host === hostAndPort(url),
      ),
    }
  }

  /** A proxy may itself speak TLS. */
  const askProxy = (proxy: URL, request: http.RequestOptions): http.ClientRequest => {
    const headers = { ...request.headers, ...proxyAuthorization(proxy) }
    const to = { ...request, host: bare(proxy.hostname), port: portOf(proxy), headers }
    return proxy.protocol === 'https:' ? https.request({ ...to, ...tlsFor(proxy) }) : http.request(to)
  }

  const proxyOf = (url: URL): URL | undefined =>
    options.proxy ? proxyUrl(options.proxy, 'proxy') : proxyFor(url, env)
  const tunnel = (url: URL, proxy: URL): Promise<Socket> => {
    const host = hostAndPort(url)
    const asked = askProxy(proxy, { timeout: silentMs, method: 'CONNECT', path: host, headers: { host } })
    return tunnelThrough(asked, proxy, url)
  }
  const kept = { keepAlive: true, maxSockets: connections }
  const agents = { http: new http.Agent(kept), https: new TunnelAgent(kept, { proxyOf, tlsFor, tunnel }) }

  return {
    agent: agents.https,
    async get(url, headers, signal) {
      const common = { headers, signal, timeout: silentMs }
      if (url.protocol === 'http:') {
        const proxy = proxyOf(url)
        if (!proxy) return answerOf(http.request(url, { ...common, agent: agents.http }))
        // A proxy is asked for the whole address.
        return answerOf(
          askProxy(proxy, { ...common, path: url.href, headers: { ...headers, host: url.host } }),
        )
      }
      return answerOf(https.request(url, { ...common, agent: agents.https }))
    },
    close() {
      agents.http.destroy()
      agents.https.destroy()
    },
  }
}

interface Ways {
  readonly proxyOf: (url: URL) => URL | undefined
  readonly tlsFor: (url: URL) => tls.ConnectionOptions
  readonly tunnel: (url: URL, proxy: URL) => Promise<Socket>
}

/** Connections to hosts that speak TLS: direct ones, or through the proxy that is to be used for them. */
class TunnelAgent extends https.Agent {
  readonly #ways: Ways

  constructor(options: https.AgentOptions, ways: Ways) {
    super(options)
    this.#ways = ways
  }

  override createConnection(
    options: https.RequestOptions,
    done: (error: Error | null, stream: Duplex) => void,
  ): Duplex | null | undefined {
    const { proxyOf, tlsFor, tunnel } = this.#ways
    // What Node calls without a stream has failed.
    const fail = (error: Error): void => done(error, undefined as never)
    try {
      const host = options.host ?? 'localhost'
      const url = new URL(`https://${isIP(host) === 6 ? `[${host}]` : host}:${options.port ?? 443}`)
      const proxy = proxyOf(url)
      if (!proxy) return super.createConnection({ ...options, ...tlsFor(url) }, done)
      tunnel(url, proxy)
        .then(socket => tls.connect({ ...tlsFor(url), socket }))
        .then(socket => done(null, socket), fail)
    } catch (error) {
      fail(error as Error)
    }
    return undefined
  }
}

/** Also rejects when the other side says nothing for too long. After the answer began its stream tells the same. */
function answerOf(request: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const silent = (): void => {
      request.destroy(Object.assign(new Error('the other side fell silent'), { code: 'ETIMEDOUT' }))
    }
    request.once('response', resolve).once('error', reject).once('timeout', silent).end()
  })
}

/** The connection to the host that the proxy was asked for; TLS goes through it end to end. */
function tunnelThrough(asked: http.ClientRequest, proxy: URL, url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const failed = (why: string, cause?: unknown): void => {
      asked.destroy()
      reject(
        new ThampiError('NETWORK', {
          message: `The proxy ${proxy.host} gives no connection to ${url.hostname}.`,
          why,
          fix: 'check HTTPS_PROXY; hosts in NO_PROXY are reached without it',
          cause,
        }),
      )
    }
    asked.once('connect', ({ statusCode, statusMessage }, socket) => {
      if (statusCode === 200) return resolve(socket as Socket)
      const wants = statusCode === 407 ? ' It wants a user name and a password in its address.' : ''
      failed(`It says ${statusCode} ${statusMessage}.${wants}`)
    })
    // Some refuse with an ordinary answer.
    asked.once('response', ({ statusCode }) => failed(`It says ${statusCode}.`))
    asked.once('timeout', () => failed('It says nothing.'))
    asked.on('error', cause => failed(`${cause.message}.`, cause))
    asked.end()
  })
}

function proxyAuthorization(proxy: URL): http.OutgoingHttpHeaders {
  const login = loginIn(proxy)
  return login ? { 'proxy-authorization': basic(login) } : {}
}

export interface Login {
  readonly user: string
  readonly password: string
}

/** The user name and the password in an address. */
export function loginIn({ username, password }: URL): Login | undefined {
  return username === '' ? undefined : { user: decoded(username), password: decoded(password) }
}

/** Of the header `Authorization`. */
export function basic({ user, password }: Login): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

/** A percent sign that begins no escape stands for itself, as it does for pip. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Undefined when this address is reached directly. Both spellings count; the lower one first, as in curl. */
export function proxyFor(url: URL, env: Environment): URL | undefined {
  const scheme = url.protocol.slice(0, -1)
  for (const name of [`${scheme}_proxy`, 'all_proxy'].flatMap(lower => [lower, lower.toUpperCase()])) {
    const value = env[name]
    if (!value) continue
    const exceptions = (env.no_proxy || env.NO_PROXY || '').split(/[\s,]+/).filter(word => word !== '')
    return exceptions.includes('*') || isListed(url, exceptions) ? undefined : proxyUrl(value, name)
  }
  return undefined
}

function proxyUrl(value: string, name: string): URL {
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`
  if (URL.canParse(address) && /^https?:/i.test(address)) return new URL(address)
  throw new ThampiError('NETWORK', {
    message: `The proxy of this machine (${name}) cannot be used.`,
    why: 'Its address does not begin with http:// or https://.',
    fix: `set ${name} to http://HOST:PORT, or unset it`,
  })
}

/** `example.org` and `.example.org` name the host and all below it, `10.0.0.0/8` a network; with a port only that port. */
function isListed(url: URL, list: readonly string[]): boolean {
  const host = bare(url.hostname).toLowerCase()
  const port = portOf(url)
  return list.some(entry => {
    if (isIP(entry) !== 0 || entry.includes('/')) return host === entry || isInNetwork(host, entry)
    const [, name = '', wanted] = /^(.*?|\[.*\])(?::(\d+))?$/.exec(entry.toLowerCase()) ?? []
    const wantedHost = bare(name.replace(/^\*?\./, ''))
    if (wantedHost === '' || (wanted !== undefined && wanted !== port)) return false
    return host === wantedHost || (isIP(host) === 0 && host.endsWith(`.${wantedHost}`))
  })
}

function isInNetwork(host: string, entry: string): boolean {
  const [, network = '', bits] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? []
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4'
  if (isIP(network) === 0 || isIP(host) !== isIP(network) || Number(bits) > (family === 'ipv6' ? 128 : 32)) {
    return false
  }
  const list = new BlockList()
  list.addSubnet(network, Number(bits), family)
  return list.check(host, family)
}

function hostAndPort(url: URL): string {
  return `${url.hostname}:${portOf(url)}`
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}

/** Without the brackets of an IPv6 address. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1')
}

/** Each is the variable of some tool; people set the one they know. */
function certificateFiles(
  env: Environment,
  chosen: string | undefined,
): readonly [name: string, file: string][] {
  const names = ['PIP_CERT', 'SSL_CERT_FILE', 'REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE', 'NODE_EXTRA_CA_CERTS']
  const files = names.map(name => [name, env[name] ?? ''] as [string, string])
  const all = [...files, ['the setting `cert` of pip', chosen ?? ''] as [string, string]]
  const seen = new Set<string>()
  return all.filter(([, file]) => file !== '' && !seen.has(file) && seen.add(file))
}

/** Node's own certificates and these: a company's file often holds only the company's. */
function contextOf(files: readonly [name: string, file: string][]): tls.SecureContext {
  if (files.length === 0) return tls.createSecureContext()
  const ca = files.map(([name, file]) => {
    try {
      return readFileSync(file)
    } catch (cause) {
      throw new ThampiError('NETWORK', {
        message: `"${file}" cannot be read: it was to hold certificates (${name}).`,
        fix: 'correct that path, or unset it',
        cause,
      })
    }
  })
  return tls.createSecureContext({ ca: [...tls.rootCertificates, ...ca] })
}
