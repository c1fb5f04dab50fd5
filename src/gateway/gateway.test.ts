/** The gateway over raw sockets: what it lets through, what it refuses, and in which words. */
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AccessEntry, createGateway, type GatewayRequest } from './gateway.ts'
import { HeldBytes } from './held-bytes.ts'
import { HttpCounts } from './http-counts.ts'
import { exposition } from './metrics.ts'
import { type PageAnswer, placesOf } from './page.ts'
import { requestIds } from './request-id.ts'
import { readRoute } from './route.ts'

let server: Server
let host = ''
const asked: GatewayRequest[] = []
const held = new HeldBytes(1500)
const accesses: AccessEntry[] = []
const counts = new HttpCounts()
const mistakes: unknown[] = []
const text = (body: string | Buffer): PageAnswer => ({
  ...{ status: 200, contentType: 'text/plain', body },
  headers: ['X-Page', 'yes'],
})

beforeAll(async () => {
  server = createGateway({
    hosts: () => new Set([host]),
    maxBodyBytes: 1000,
    held,
    find: route =>
      route.stage === 'dev'
        ? {
            keys: route.model === 'locked' ? { accepts: key => key === 'thampi_right' } : undefined,
            cors:
              route.model === 'open' ? { origin: '*', headers: 'Content-Type', methods: 'POST' } : undefined,
            answer: (request, done) => {
              asked.push(request)
              done({ status: 200, body: Buffer.from('{"é":1}\n'), version: 7 })
            },
          }
        : { code: 'no-such-stage', detail: `No stage "${route.stage}" is served here.` },
    places: placesOf([
      {
        template: '/hello/{name}',
        method: 'GET',
        answer: ({ params, query }) => text(`${params.name} ${query}`),
      },
      { template: '/echo', method: 'POST', answer: async ({ body }) => text(body) },
      {
        template: '/broken',
        method: 'GET',
        answer: () => {
          throw new Error('at /home/somebody/secret.ts:1')
        },
      },
    ]),
    counts,
    onAccess: entry => accesses.push(entry),
    onMistake: error => mistakes.push(error),
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

describe('a stage with keys', () => {
  it('does not read a body before it has seen a key, and says how to send one', async () => {
    const before = asked.length
    for (const headers of [[], ['x-api-key: thampi_wrong'], ['Authorization: Basic thampi_right']]) {
      const answer = await post('/dev/locked/predict', headers)
      expect(statusOf(answer)).toBe(401)
      expect(answer).toContain('WWW-Authenticate: Bearer realm="thampi"')
      expect(answer).toContain('"code":"unauthenticated"')
      expect(answer).not.toMatch(/thampi_(right|wrong)/)
    }
    expect(asked.length).toBe(before)
  })

  it('answers with the right one, in either header', async () => {
    for (const header of ['x-api-key: thampi_right', 'Authorization: Bearer thampi_right'])
      expect(statusOf(await post('/dev/locked/predict', [header]))).toBe(200)
  })

  it('is no way around the rules for browsers', async () => {
    const key = 'x-api-key: thampi_right'
    expect(statusOf(await post('/dev/locked/predict', [key, 'Origin: https://evil.example']))).toBe(403)
    expect(statusOf(await post('/dev/locked/predict', [key, 'Sec-Fetch-Site: cross-site']))).toBe(403)
  })

  it('is asked for its methods without one, as browsers do', async () => {
    expect(statusOf(await raw(`OPTIONS /dev/locked/predict HTTP/1.1\r\nHost: ${host}\r\n\r\n`))).toBe(204)
    expect(statusOf(await raw(`GET /dev/locked/predict HTTP/1.1\r\nHost: ${host}\r\n\r\n`))).toBe(401)
  })
})

describe('pages', () => {
  const get = (path: string, headers: readonly string[] = [], method = 'GET'): Promise<string> =>
    raw([`${method} ${path} HTTP/1.1`, `Host: ${host}`, 'Connection: close', ...headers, '', ''].join('\r\n'))

  it('are found by template and told what stands in the path', async () => {
    const answer = await get('/hello/world?a=b')
    expect(answer).toMatch(/^HTTP\/1.1 200 OK\r\nContent-Type: text\/plain\r\nContent-Length: 9\r\n/)
    expect(answer).toContain('X-Page: yes\r\n')
    expect(answer.endsWith('\r\n\r\nworld a=b')).toBe(true)
  })

  it('have a head without a body', async () => {
    const answer = await get('/hello/world', [], 'HEAD')
    expect(answer).toContain('Content-Length: 6\r\n')
    expect(answer.endsWith('\r\n\r\n')).toBe(true)
  })

  it('take bodies, within the same bounds', async () => {
    expect(await post('/echo', ['Connection: close'], 'whatever')).toMatch(/\r\n\r\nwhatever$/)
    expect(statusOf(await post('/echo', [], 'x'.repeat(1001)))).toBe(413)
  })

  it('name their methods', async () => {
    const answer = await get('/hello/world', [], 'DELETE')
    expect(statusOf(answer)).toBe(405)
    expect(answer).toContain('Allow: GET, HEAD, OPTIONS\r\n')
    expect(await get('/echo', [], 'OPTIONS')).toContain('Allow: POST, OPTIONS\r\n')
  })

  it('are behind the same guard, whatever the method and whether they exist or not', async () => {
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS', 'TRACE'])
      for (const path of ['/hello/world', '/echo', '/nothing'])
        for (const header of ['Origin: https://evil.example', 'Sec-Fetch-Site: cross-site'])
          expect(statusOf(await get(path, [header], method)), `${method} ${path} ${header}`).toBe(403)
    expect(statusOf(await get('/hello/world', ['Host: evil.example']))).toBe(403)
  })

  it('that fail say nothing about how', async () => {
    const answer = await get('/broken')
    expect(statusOf(answer)).toBe(500)
    expect(answer).not.toContain('secret')
    expect(mistakes).toHaveLength(1)
  })

  it('are no properties of an object', async () => {
    for (const path of ['/__proto__', '/constructor', '/__proto__/constructor/predict'])
      expect(statusOf(await get(path)), path).toBe(404)
  })
})

describe('a trace', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  const header = `traceparent: 00-${trace}-00f067aa0ba902b7-01`

  it('goes on to the model, into the access log and into problems', async () => {
    await post('/dev/iris/predict', [header])
    expect(asked.at(-1)?.traceparent).toBe(header.slice('traceparent: '.length))
    expect(accesses.at(-1)?.traceId).toBe(trace)
    expect(await post('/prod/iris/predict', [header])).toContain(`"trace_id":"${trace}"`)
    expect(await post('/nothing', [header])).toContain(`"trace_id":"${trace}"`)
  })

  it.each([
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${trace}-00f067aa0ba902b7-01-more`,
    `ff-${trace}-00f067aa0ba902b7-01`,
    `01-${trace}-00f067aa0ba902b7-01-${'x'.repeat(600)}`,
    'nonsense',
  ])('that is none, %s, goes nowhere', async value => {
    await post('/dev/iris/predict', [`traceparent: ${value}`])
    expect(asked.at(-1)?.traceparent).toBeUndefined()
    expect(accesses.at(-1)?.traceId).toBeUndefined()
  })
})

describe('what is counted', () => {
  it('has the route as it is written here, never as it came', async () => {
    await post('/dev/iris@7/predict')
    await raw(`PROPFIND /made-up HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 0\r\n\r\n`)
    const written = exposition([counts.family()])
    for (const labels of [
      'http_request_method="POST",http_route="/{stage}/{model}/predict",http_response_status_code="200",url_scheme="http"',
      'http_request_method="POST",http_route="/{stage}/{model}@{version}/predict",http_response_status_code="200",url_scheme="http"',
      'http_request_method="GET",http_route="/hello/{name}",http_response_status_code="200",url_scheme="http"',
      'http_request_method="GET",http_route="/broken",http_response_status_code="500",url_scheme="http",error_type="500"',
      'http_request_method="_OTHER",http_response_status_code="404",url_scheme="http"',
      'http_request_method="_OTHER",http_response_status_code="400",url_scheme="http"',
    ])
      expect(written).toContain(`_count{${labels}} `)
    expect(written).not.toMatch(/iris|world|made-up|PROPFIND/)
  })
})

describe('a caller in a hurry', () => {
  it('says how long it waits', async () => {
    await post('/dev/iris/predict', ['Thampi-Timeout-Ms: 250'])
    expect(asked.at(-1)?.timeoutMs).toBe(250)
    await post('/dev/iris/predict')
    expect(asked.at(-1)?.timeoutMs).toBeUndefined()
  })

  it.each(['0', '-1', '1.5', '1e3', 'soon', '', '99999999999'])(
    'cannot wait "%s" milliseconds',
    async value => {
      const before = asked.length
      const answer = await post('/dev/iris/predict', [`Thampi-Timeout-Ms: ${value}`])
      expect(statusOf(answer)).toBe(400)
      expect(answer).toContain('"code":"invalid-request"')
      expect(asked.length).toBe(before)
    },
  )
})

describe('callers with large bodies', () => {
  const chunked = (body: string): string =>
    `POST /dev/iris/predict HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n`

  function isFull(bytes: number): boolean {
    if (!held.take(bytes)) return true
    held.giveBack(bytes)
    return false
  }

  it('are turned away while others hold too much, and let in afterwards', async () => {
    const first = connect(Number(host.split(':')[1]), '127.0.0.1')
    first.write(chunked('x'.repeat(950)))
    await expect.poll(() => isFull(700), { timeout: 3000 }).toBe(true)
    const before = asked.length
    const refused = await raw(`${chunked('y'.repeat(700))}0\r\n\r\n`)
    expect(statusOf(refused)).toBe(503)
    expect(refused).toMatch(/\r\nRetry-After: 1\r\n/)
    expect(JSON.parse(refused.slice(refused.indexOf('\r\n\r\n')))).toMatchObject({
      code: 'overloaded',
      executed: 'no',
      retryable: true,
      retryAfterMs: 1000,
    })
    expect(asked.length).toBe(before)
    first.destroy()
    const answer = async (): Promise<number> => statusOf(await raw(`${chunked('y'.repeat(700))}0\r\n\r\n`))
    await expect.poll(answer, { timeout: 3000 }).toBe(200)
    expect(asked.at(-1)?.body.toString()).toBe('y'.repeat(700))
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
