/** The same messages seen from the other end: what a runtime reads and writes. `messages.ts` is the host's side. */
import { allocateFrame, type Frame, payloadStart, WireError, writeHead } from './frame.ts'
import { type Failed, type Ready, type Start, types } from './messages.ts'

/** A request as the runtime receives it; the body is a view into what came. */
export interface Received {
  readonly id: number
  readonly requestId: string
  readonly remainingMs: number
  readonly pretty: boolean
  /** In which other protocol the body is; undefined for `{"data": …}`. */
  readonly door?: string | undefined
  readonly contentType?: string | undefined
  readonly body: Buffer
}

export type FromHost =
  | { readonly type: 'start'; readonly start: Start }
  | { readonly type: 'request'; readonly request: Received }
  | { readonly type: 'stop' }
  | { readonly type: 'ping'; readonly id: number }

/** Reads a frame that came from a host. Throws `WireError` when it means nothing to a runtime. */
export function decodeForRuntime({ type, id, payload }: Frame): FromHost {
  switch (type) {
    case types.request:
      return { type: 'request', request: readRequest(id, payload) }
    case types.start:
      return { type: 'start', start: readStart(payload) }
    case types.stop:
      return { type: 'stop' }
    case types.ping:
      return { type: 'ping', id }
    default:
      throw new WireError(`no message to a runtime has type ${type}`)
  }
}

/** `remainingMs:u32 flags:u8 n:u8 requestId[n] m:u16 extra[m] body`. */
function readRequest(id: number, payload: Buffer): Received {
  const idStart = 6
  const idEnd = idStart + (payload.length >= idStart ? (payload[5] as number) : 0)
  const bodyStart = payload.length >= idEnd + 2 ? idEnd + 2 + payload.readUInt16BE(idEnd) : payload.length + 1
  if (bodyStart > payload.length) throw new WireError('a request is shorter than it says')
  return {
    id,
    remainingMs: payload.readUInt32BE(0),
    pretty: ((payload[4] as number) & 1) === 1,
    requestId: payload.toString('latin1', idStart, idEnd),
    ...(bodyStart > idEnd + 2 ? doorIn(payload.toString('utf8', idEnd + 2, bodyStart)) : {}),
    body: payload.subarray(bodyStart),
  }
}

/** What of `extra` concerns this runtime. */
function doorIn(extra: string): Pick<Received, 'door' | 'contentType'> {
  try {
    const { door, contentType } = JSON.parse(extra) as Record<string, string | undefined>
    return door === undefined ? {} : { door, contentType }
  } catch (cause) {
    throw new WireError('`extra` is not JSON', { cause })
  }
}

function readStart(payload: Buffer): Start {
  let start: unknown
  try {
    start = JSON.parse(payload.toString('utf8'))
  } catch (cause) {
    throw new WireError('`start` is not JSON', { cause })
  }
  if (typeof start !== 'object' || start === null) throw new WireError('`start` is not a JSON object')
  return start as Start
}

/** What a runtime says: one frame as bytes. */
export function readyFrame(ready: Ready): Buffer {
  return jsonFrame(types.ready, ready)
}

export function failedFrame(failed: Failed): Buffer {
  return jsonFrame(types.failed, failed)
}

export function pongFrame(id: number): Buffer {
  return allocateFrame(types.pong, id, 0)
}

const retireJson = '{"retire":true}'
const replyFields = 4

/** A reply: its head with status and extra, and then the body as it is. */
export function replyFrame(id: number, status: number, body: Buffer, retire: boolean): Buffer {
  const extra = retire ? retireJson : ''
  const bodyStart = payloadStart + replyFields + extra.length
  const frame = Buffer.allocUnsafe(bodyStart + body.length)
  writeHead(frame, types.reply, id, replyFields + extra.length + body.length)
  frame.writeUInt16BE(status, payloadStart)
  frame.writeUInt16BE(extra.length, payloadStart + 2)
  frame.write(extra, payloadStart + replyFields, 'latin1')
  body.copy(frame, bodyStart)
  return frame
}

function jsonFrame(type: number, value: unknown): Buffer {
  const text = JSON.stringify(value)
  const frame = allocateFrame(type, 0, Buffer.byteLength(text))
  frame.write(text, payloadStart, 'utf8')
  return frame
}
