/** Bytes that are almost HTTP: what parsers disagree about is refused, or means one thing only; never 5xx, never silence. */
import type { Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createGateway } from './gateway.ts'
import { HeldBytes } from './held-bytes.ts'
import { HttpCounts } from './http-counts.ts'

let server: Server
let host = ''
let asked: string[] = []

beforeAll(async () => {
  server = createGateway({
    hosts: () => new Set([host]),
    maxBodyBytes: 1000,
    held: new HeldBytes(10_000),
    find: ({ stage }) =>
      stage === 'dev'
        ? {
            cors: undefined,
            answer: (request, done) => {
              asked.push(request.body.toString('latin1'))
              done({ status: 200, body: Buffer.from('{"result":1}\n'), version: 1 })
            },
          }
        : { code: 'no-such-stage', detail: 'no such stage' },
    places: () => undefined,
    counts: new HttpCounts(),
    onAccess: () => {},
    onMistake: error => {
      throw error
    },
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => new Promise(resolve => server.close(resolve).closeAllConnections()))

interface Heard {
  readonly statuses: number[]
  readonly text: string
}

/** Sends bytes as they are; hears until the server closes, or says nothing more for a while. */
function probe(bytes: string | Buffer): Promise<Heard> {
  asked = []
  return new Promise((resolve, reject) => {
    const socket = connect(Number(host.split(':')[1]), '127.0.0.1')
    let text = ''
    const heard = (): void => {
      socket.destroy()
      const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(match => Number(match[1]))
      resolve({ statuses, text })
    }
    socket.on('data', chunk => {
      text += chunk.toString('latin1')
    })
    socket.on('close', heard)
    socket.on('error', error => ('code' in error && error.code === 'ECONNRESET' ? heard() : reject(error)))
    socket.setTimeout(300, heard)
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes.replaceAll('HOST', host), 'latin1') : bytes)
  })
}

const head = 'POST /dev/m/predict HTTP/1.1\r\nHost: HOST\r\n'
const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n`

describe('a request that is almost HTTP', () => {
  it.each([
    ['length and encoding', `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
    ['two lengths', `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400],
    ['the same length twice', `${head}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['two lengths in one line', `${head}Content-Length: 2, 2\r\n\r\n{}`, 400],
    ['a length with a sign', `${head}Content-Length: +2\r\n\r\n{}`, 400],
    ['a negative length', `${head}Content-Length: -2\r\n\r\n{}`, 400],
    ['a hexadecimal length', `${head}Content-Length: 0x2\r\n\r\n{}`, 400],
    ['a length beyond all numbers', `${head}Content-Length: 99999999999999999999\r\n\r\n{}`, 400],
    ['an empty length', `${head}Content-Length:\r\n\r\n{}`, 400],
    ['a space before the colon', `${head}Content-Length : 2\r\n\r\n{}`, 400],
    ['a folded header', `${head}X-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['a header without a name', `${head}: 1\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['a header without a colon', `${head}X-A\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['NUL in a header', `${head}X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['a bare CR in a header', `${head}X-A: a\rb\r\nContent-Length: 2\r\n\r\n{}`, 400],
    ['bare line feeds', 'POST /dev/m/predict HTTP/1.1\nHost: HOST\nContent-Length: 2\n\n{}', 400],
    ['an unknown encoding', `${head}Transfer-Encoding: gzip\r\n\r\n{}`, 400],
    ['chunked, but not last', `${head}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`, 400],
    ['chunked in disguise', `${head}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`, 400],
    ['a chunk whose size is no number', `${chunked}zz\r\n{}\r\n0\r\n\r\n`, 400],
    ['a chunk size with a sign', `${chunked}-2\r\n{}\r\n0\r\n\r\n`, 400],
    ['a chunk size beyond all numbers', `${chunked}fffffffffffffffff\r\n{}\r\n0\r\n\r\n`, 400],
    ['a chunk that is longer than it says', `${chunked}1\r\n{}\r\n0\r\n\r\n`, 400],
    ['chunk extensions without end', `${chunked}2;${'a'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`, 413],
    ['headers without end', `${head}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'a version that is none',
      'POST /dev/m/predict HTTP/9.9\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}',
      400,
    ],
    ['a method that is none', 'PO ST /dev/m/predict HTTP/1.1\r\nHost: HOST\r\n\r\n', 400],
    ['a target with a space', 'POST /dev/m/predict x HTTP/1.1\r\nHost: HOST\r\n\r\n', 400],
    ['the line of HTTP/0.9', 'POST /dev/m/predict\r\n\r\n', 403],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
    ['two hosts', `${head}Host: evil.example\r\nContent-Length: 2\r\n\r\n{}`, 403],
    ['no host', 'POST /dev/m/predict HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}', 403],
    [
      'an absolute target',
      'POST http://HOST/dev/m/predict HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}',
      403,
    ],
    ['the star', 'OPTIONS * HTTP/1.1\r\nHost: HOST\r\n\r\n', 403],
    ['an encoded slash', 'POST /dev%2fm/predict HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}', 404],
    ['two slashes', 'POST //dev/m/predict HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}', 404],
    ['dots', 'POST /x/../dev/m/predict HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}', 404],
    [
      'a target without end',
      `POST /${'a'.repeat(3000)} HTTP/1.1\r\nHost: HOST\r\nContent-Length: 2\r\n\r\n{}`,
      414,
    ],
  ])('refuses %s, and the model never hears of it', async (_name, bytes, status) => {
    const { statuses, text } = await probe(bytes)
    expect(statuses).toEqual([status])
    expect(text).toContain('application/problem+json')
    expect(asked).toEqual([])
  })

  it('closes what asks for a tunnel', async () => {
    expect((await probe('CONNECT HOST HTTP/1.1\r\nHost: HOST\r\n\r\n')).statuses).toEqual([])
    expect(asked).toEqual([])
  })

  it('stays with HTTP/1.1 when something else is offered', async () => {
    const upgrade =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'
    expect((await probe(`${head}${upgrade}Content-Length: 2\r\n\r\n{}`)).statuses).toEqual([200])
    expect(asked).toEqual(['{}'])
  })

  it('answers what is sent in a row, in order, each its own body', async () => {
    const one = (body: string): string => `${head}Content-Length: ${body.length}\r\n\r\n${body}`
    const { statuses } = await probe(one('{"data":1}') + one('{"data":22}') + one('{}'))
    expect(statuses).toEqual([200, 200, 200])
    expect(asked).toEqual(['{"data":1}', '{"data":22}', '{}'])
  })

  it('never answers 5xx, whatever comes', async () => {
    const pieces = fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          head,
          chunked,
          '\r\n',
          '\n',
          ' ',
          ':',
          '0\r\n\r\n',
          '2\r\n{}\r\n',
          'Content-Length: 2\r\n',
          'Host: HOST\r\n',
          'Transfer-Encoding: chunked\r\n',
          'Expect: 100-continue\r\n',
          'Connection: close\r\n',
          '\r\n\r\n{}',
          'HEAD /dev/m/predict HTTP/1.0\r\n',
          'X-Request-Id: \x1f\r\n',
          'Origin: null\r\n',
          'Content-Encoding: br\r\n',
          '\0',
          '\x7f',
          '%00',
          '\xff',
        ),
      },
      {
        weight: 1,
        arbitrary: fc.uint8Array({ maxLength: 12 }).map(bytes => Buffer.from(bytes).toString('latin1')),
      },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { minLength: 1, maxLength: 8 }), async some => {
        const { statuses } = await probe(some.join(''))
        expect(statuses.filter(status => status >= 500)).toEqual([])
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
