/** AWS behind a proxy: as in a company, with a certificate of its own. */
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Server } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openAws } from '../../src/platforms/aws/aws.ts'
import type { Platform } from '../../src/platforms/platform.ts'
import { places } from '../../src/system/places.ts'
import { realSystem } from '../../src/system/system.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import { awsStage } from '../support/aws-stage.ts'
import { selfSigned } from '../support/certificate.ts'
import { temporaryDirectory } from '../support/python.ts'

let cloud: Cloud
const servers: Server[] = []
const log: string[] = []
const stage = awsStage('dev', { s3_bucket: 'thampi-tests' })
const trusted = join(temporaryDirectory(), 'company.pem')
let front = 0
let proxy = 0

beforeAll(async () => {
  cloud = await startCloud()
  const certificate = selfSigned()
  writeFileSync(trusted, certificate.cert)
  // Amazon's side: TLS before the cloud of the tests.
  front = await listen(createTlsServer(certificate, socket => piped(socket, Number(new URL(cloud.url).port))))
  const company = createServer()
  company.on('connect', (asked, socket) => {
    log.push(`${asked.url} ${asked.headers['proxy-authorization'] ?? 'by nobody'}`)
    if (asked.headers['proxy-authorization'] === undefined)
      return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n')
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    piped(socket, front)
  })
  proxy = await listen(company)
})
afterAll(async () => {
  for (const server of servers) server.close()
  await cloud.close()
})

/** Two streams as one. */
function piped(socket: NodeJS.ReadWriteStream, port: number): void {
  const upstream = connect(port, '127.0.0.1')
  upstream.pipe(socket).pipe(upstream)
  for (const end of [socket, upstream]) end.on('error', () => upstream.destroy())
}

function listen(server: Server): Promise<number> {
  servers.push(server)
  return new Promise(done =>
    server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port)),
  )
}

function platformWith(more: Readonly<Record<string, string>>): Promise<Platform> {
  const env = {
    ...process.env,
    ...cloud.env,
    AWS_ENDPOINT_URL: `https://localhost:${front}`,
    THAMPI_HOME: temporaryDirectory(),
    ...more,
  }
  return openAws(stage, { ...realSystem(), env, places: places(env) })
}

it('is reached through the proxy, which is told who asks, with TLS from end to end', async () => {
  log.length = 0
  cloud.forget()
  const platform = await platformWith({
    HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxy}`,
    SSL_CERT_FILE: trusted,
  })
  expect(await platform.find(stage)).toBeUndefined()
  expect(cloud.calls().map(({ action }) => action)).toEqual(
    expect.arrayContaining(['GetCallerIdentity', 'GetAlias', 'GetApis']),
  )
  const login = `Basic ${Buffer.from('me:secret').toString('base64')}`
  expect([...new Set(log)]).toEqual([`localhost:${front} ${login}`])
})

it('is reached without it when NO_PROXY says so', async () => {
  log.length = 0
  const platform = await platformWith({
    HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxy}`,
    NO_PROXY: 'localhost',
    SSL_CERT_FILE: trusted,
  })
  expect(await platform.find(stage)).toBeUndefined()
  expect(log).toEqual([])
})

it('is not what is blamed when the proxy refuses, and it is asked once', async () => {
  log.length = 0
  const platform = await platformWith({ HTTPS_PROXY: `http://127.0.0.1:${proxy}`, SSL_CERT_FILE: trusted })
  await expect(platform.find(stage)).rejects.toMatchObject({
    code: 'NETWORK',
    message: `The proxy 127.0.0.1:${proxy} gives no connection to localhost.`,
    why: expect.stringContaining('wants a user name and a password'),
  })
  expect(log).toEqual([`localhost:${front} by nobody`])
})

it('is not trusted with a certificate that nobody knows', async () => {
  const platform = await platformWith({ HTTPS_PROXY: `http://me:secret@127.0.0.1:${proxy}` })
  await expect(platform.find(stage)).rejects.toMatchObject({
    code: 'AWS_UNAVAILABLE',
    message: expect.stringContaining('self-signed certificate'),
  })
})
