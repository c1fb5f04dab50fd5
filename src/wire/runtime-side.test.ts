/** contract/wire.json holds for the runtime's end of the wire. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { FrameReader, WireError } from './frame.ts'
import type { Failed, Ready } from './messages.ts'
import { decodeForRuntime, failedFrame, pongFrame, readyFrame, replyFrame } from './runtime-side.ts'

interface Case {
  readonly name: string
  readonly type: string
  readonly id: number
  readonly hex: string
  readonly body?: string
  readonly bodyBase64?: string
  readonly bodyRepeat?: readonly (string | readonly [string, number])[]
  readonly status?: number
  readonly extra?: { readonly retire?: boolean }
  readonly [member: string]: unknown
}

const cases = JSON.parse(readFileSync('contract/wire.json', 'utf8')) as readonly Case[]
const only = (...types: string[]): [string, Case][] =>
  cases.filter(({ type }) => types.includes(type)).map(each => [each.name, each])

it.each(only('start', 'request', 'stop', 'ping').filter(([, each]) => !isZygote(each)))(
  'reads: %s',
  (_, each) => {
    const [frame] = new FrameReader().push(Buffer.from(each.hex, 'hex'))
    if (!frame) throw new Error('no frame')
    const message = decodeForRuntime(frame)
    expect(message.type).toBe(each.type)
    if (message.type === 'start') expect(message.start).toEqual(each.start)
    if (message.type === 'ping') expect(message.id).toBe(each.id)
    if (message.type !== 'request') return
    const { id, requestId, remainingMs, pretty, body } = message.request
    expect({ id, requestId, remainingMs, pretty }).toEqual({
      id: each.id,
      requestId: each.requestId,
      remainingMs: each.remainingMs,
      pretty: each.pretty,
    })
    expect(body.equals(bodyOf(each))).toBe(true)
  },
)

it.each(only('ready', 'failed', 'reply', 'pong'))('writes: %s', (_, each) => {
  expect(written(each).toString('hex')).toBe(each.hex)
})

it.each([
  ['a type that no host sends', '00000005430000000f'],
  ['a request without its id', '000000080200000001ffffff'],
  ['a request that ends within its extra', '0000000e0200000001000003e80000000561'],
  ['a start that is no JSON', '00000007010000000061ff'],
])('refuses %s', (_, hex) => {
  const [frame] = new FrameReader().push(Buffer.from(hex, 'hex'))
  if (!frame) throw new Error('no frame')
  expect(() => decodeForRuntime(frame)).toThrow(WireError)
})

function isZygote({ start }: Case): boolean {
  return typeof start === 'object' && start !== null && 'zygote' in start
}

function written(each: Case): Buffer {
  switch (each.type) {
    case 'ready':
      return readyFrame(each.ready as Ready)
    case 'failed':
      return failedFrame(each.failed as Failed)
    case 'pong':
      return pongFrame(each.id)
    default:
      return replyFrame(each.id, each.status ?? 0, bodyOf(each), each.extra?.retire === true)
  }
}

function bodyOf({ body, bodyBase64, bodyRepeat }: Case): Buffer {
  if (bodyBase64 !== undefined) return Buffer.from(bodyBase64, 'base64')
  if (bodyRepeat === undefined) return Buffer.from(body ?? '')
  return Buffer.from(
    bodyRepeat.map(part => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join(''),
  )
}
