/** The gateway over raw sockets: what it lets through, what it refuses, and in which words. */
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AccessEntry, createGateway, type GatewayRequest } from './gateway.ts'
import { requestIds } from './request-id.ts'
import { readRoute } from './route.ts'

let server: Server
let host = ''
const asked: GatewayRequest[] = []
const accesses: AccessEntry[] = []

beforeAll(async () => {
  server = createGateway({
    hosts: () => new Set([host]),
    maxBodyBytes: 1000,
    find: route =>
      route.stage === 'dev'
        ? {
            cors:
              route.model === 'open' ? { origin: '*', headers: 'Content-Type', methods: 'POST' } : undefined,
            answer: (request, done) => {
              asked.push(request)
              done({ status: 200, body: Buffer.from('{"é":1}\n'), version: 7 })
            },
          }
        : { code: 'no-such-stage', detail: `No stage "${route.stage}" is served here.` },
    onAccess: entry => accesses.push(entry),
    onMistake: error => {
      throw error
    },
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise(resolve => server.close(resolve)))

/** Sends bytes as they are and gives all that comes back until the server, or we, close. */
function raw(text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(host.split(':')[1]), '127.0.0.1')
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk.toString('utf8')
      if (answer.endsWith('}\n') || answer.includes('Content-Length: 0') || answer.startsWith('HTTP/1.1 204'))
        socket.end()
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer')))
    socket.write(text)
  })
}

function post(path: string, headers: readonly string[] = [], body = '{"data": 1}'): Promise<string> {
  const lines = [
    `POST ${path} HTTP/1.1`,
    `Host: ${host}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...headers,
  ]
  return raw(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

const statusOf = (answer: string): number => Number(answer.split(' ')[1])

describe('the gateway', () => {
  it('relays bytes both ways, with a length, the request id and the version', async () => {
    const answer = await post('/dev/iris/predict?pretty', ['X-Request-Id: my.own-1'], '\u0000any bytes')
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toContain(
      'Content-Type: application/json\r\nContent-Length: 9\r\nX-Request-Id: my.own-1\r\n',
    )
    expect(answer).toContain('Thampi-Version: 7\r\n')
    expect(answer.endsWith('\r\n\r\n{"é":1}\n')).toBe(true)
    expect(asked.at(-1)).toMatchObject({
      requestId: 'my.own-1',
      pretty: true,
      body: Buffer.from('\u0000any bytes'),
    })
    expect(accesses.at(-1)).toMatchObject({
      stage: 'dev',
      model: 'iris',
      status: 200,
      version: 7,
      requestId: 'my.own-1',
    })
  })

  it('invents an id where the given one could do harm', async () => {
    const answer = await post('/dev/iris/predict', ['X-Request-Id: a b;c'])
    expect(/X-Request-Id: (\S+)\r/.exec(answer)?.[1]).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/)
  })

  it.each([
    [
      'two Host headers',
      `POST /dev/iris/predict HTTP/1.1\r\nHost: HOST\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}`,
      403,
    ],
    [
      'a foreign Host',
      'POST /dev/iris/predict HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\n\r\n{}',
      403,
    ],
    ['HTTP/1.0 without Host', 'POST /dev/iris/predict HTTP/1.0\r\nContent-Length: 2\r\n\r\n{}', 403],
    [
      'an absolute target',
      'POST http://evil.example/dev/iris/predict HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}',
      403,
    ],
    ['a method nobody knows', 'DELETE /dev/iris/predict HTTP/1.1\r\nHost: HOST\r\n\r\n', 405],
    [
      'a trailing slash',
      'POST /dev/iris/predict/ HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}',
      404,
    ],
    [
      'an encoded path',
      'POST /dev/%69ris/predict HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}',
      404,
    ],
    [
      'an unknown stage',
      'POST /prod/iris/predict HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}',
      404,
    ],
    [
      'length and encoding at once',
      'POST /dev/iris/predict HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
      400,
    ],
    ['another protocol', '\u0016\u0003\u0001\u0002 this is TLS\r\n\r\n', 400],
    [
      'a compressed body',
      'POST /dev/iris/predict HTTP/1.1\r\nHost: HOST\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}',
      415,
    ],
    [
      'an expectation',
      'POST /dev/iris/predict HTTP/1.1\r\nHost: HOST\r\nExpect: cake\r\nContent-Length: 2\r\n\r\n{}',
      417,
    ],
  ])('refuses %s with a problem document', async (_what, text, status) => {
    const before = asked.length
    const answer = await raw(text.replaceAll('HOST', host))
    expect(statusOf(answer)).toBe(status)
    expect(answer).toContain('Content-Type: application/problem+json\r\n')
    expect(JSON.parse(answer.slice(answer.indexOf('\r\n\r\n')))).toMatchObject({ status, executed: 'no' })
    expect(asked.length).toBe(before)
  })

  it('refuses every method that comes from another site', async () => {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const answer = await raw(
        `${method} /dev/iris/predict HTTP/1.1\r\nHost: ${host}\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n\r\n`,
      )
      expect(statusOf(answer), method).toBe(403)
    }
  })

  it('lets pages in where the stage allows them, and tells the browser', async () => {
    const preflight = await raw(
      `OPTIONS /dev/open/predict HTTP/1.1\r\nHost: ${host}\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: POST\r\n\r\n`,
    )
    expect(statusOf(preflight)).toBe(204)
    expect(preflight).toContain('Access-Control-Allow-Origin: *')
    const answer = await post('/dev/open/predict', [
      'Origin: https://app.example',
      'Content-Type: application/json',
    ])
    expect(statusOf(answer)).toBe(200)
    expect(answer).toContain('Access-Control-Allow-Origin: *')
  })

  it('keeps no byte of a body that is too large, announced or not', async () => {
    expect(statusOf(await post('/dev/iris/predict', [], 'x'.repeat(1001)))).toBe(413)
    const chunked = `POST /dev/iris/predict HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${'64\r\n'.concat('y'.repeat(100), '\r\n').repeat(11)}0\r\n\r\n`
    expect(statusOf(await raw(chunked))).toBe(413)
  })
})

describe('routes', () => {
  it('may name a version', () => {
    expect(readRoute('/dev/iris@13/predict')).toEqual({
      stage: 'dev',
      model: 'iris',
      version: 13,
      pretty: false,
    })
    for (const path of ['/dev/iris@0/predict', '/dev/iris@1e3/predict', '/dev/iris@/predict']) {
      expect(readRoute(path)).toBeUndefined()
    }
  })
})

describe('request ids', () => {
  it('differ, and sort by time', () => {
    let now = 1_700_000_000_000
    const newId = requestIds(() => now)
    const ids = Array.from({ length: 5000 }, () => newId(undefined))
    expect(new Set(ids).size).toBe(5000)
    now += 1
    expect(newId(undefined) > (ids.at(-1) as string).slice(0, 10)).toBe(true)
  })
})
