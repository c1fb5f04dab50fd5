import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { allocateFrame, type Frame, FrameReader, maxFrameBytes, payloadStart, WireError } from './frame.ts'
import { decode, encode, type FromRuntime, type ToRuntime } from './messages.ts'

interface Golden {
  readonly name: string
  readonly direction: string
  readonly type: string
  readonly hex: string
  readonly body?: string
  readonly bodyBase64?: string
  readonly [member: string]: unknown
}

const golden = JSON.parse(readFileSync('contract/wire.json', 'utf8')) as Golden[]

function bodyOf({ body, bodyBase64 }: Golden): Buffer {
  return bodyBase64 === undefined ? Buffer.from(body ?? '', 'utf8') : Buffer.from(bodyBase64, 'base64')
}

function messageOf(entry: Golden): unknown {
  const { name: _n, direction: _d, hex: _h, body, bodyBase64, ...message } = entry
  return body === undefined && bodyBase64 === undefined ? message : { ...message, body: bodyOf(entry) }
}

describe('the wire', () => {
  const toRuntime = golden.filter(entry => entry.direction.startsWith('host'))
  const fromRuntime = golden.filter(entry => entry.direction.startsWith('runtime'))

  it('has golden messages in both directions', () => {
    expect(toRuntime.length).toBeGreaterThan(4)
    expect(fromRuntime.length).toBeGreaterThan(4)
  })

  it.each(toRuntime.map(entry => [entry.name, entry] as const))(
    'writes the golden bytes of "%s"',
    (_name, entry) => {
      const message = { ...(messageOf(entry) as ToRuntime), body: [bodyOf(entry)] }
      expect(Buffer.concat(encode(message)).toString('hex')).toBe(entry.hex)
    },
  )

  it.each(fromRuntime.map(entry => [entry.name, entry] as const))(
    'reads the golden bytes of "%s"',
    (_name, entry) => {
      const frames = new FrameReader().push(Buffer.from(entry.hex, 'hex'))
      expect(frames).toHaveLength(1)
      const frame = frames[0] as Frame
      expect({ id: frame.id, ...decode(frame) }).toMatchObject(messageOf(entry) as FromRuntime)
    },
  )

  it('finds the same frames however the stream is cut', () => {
    const stream = Buffer.concat(golden.map(({ hex }) => Buffer.from(hex, 'hex')))
    const whole = new FrameReader().push(stream).map(({ type, id }) => `${type}:${id}`)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 60 }), sizes => {
        const reader = new FrameReader()
        const found: string[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const end = at + (sizes[i % sizes.length] as number)
          for (const { type, id } of reader.push(stream.subarray(at, end))) found.push(`${type}:${id}`)
          at = end
        }
        expect(found).toEqual(whole)
      }),
    )
  })

  it('passes a big body on without copying it', () => {
    const body = [Buffer.alloc(60_000, 'x'), Buffer.alloc(40_000, 'y')]
    const buffers = encode({ type: 'request', id: 1, requestId: 'r', remainingMs: 1, pretty: false, body })
    expect(buffers).toHaveLength(3)
    expect(buffers[0]?.readUInt32BE(0)).toBe(Buffer.concat(buffers).length - 4)
    expect(buffers[1]?.buffer).toBe(body[0]?.buffer)
    expect(buffers[2]?.buffer).toBe(body[1]?.buffer)
  })

  it('keeps frames of bytes that are overwritten', () => {
    const sizes = [0, 10, 70_000, 3, 200_000, 1]
    const payloads = sizes.map((size, at) => Buffer.alloc(size, at + 1))
    const stream = Buffer.concat(
      payloads.map((payload, id) => {
        const frame = allocateFrame(67, id, payload.length)
        payload.copy(frame, payloadStart)
        return frame
      }),
    )
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 }), steps => {
        const reader = new FrameReader()
        const lent = Buffer.alloc(100_000)
        const frames: Frame[] = []
        for (let at = 0, i = 0; at < stream.length; i++) {
          const bytes = stream.copy(lent, 0, at, at + (steps[i % steps.length] as number))
          frames.push(...reader.pushBorrowed(lent.subarray(0, bytes)))
          lent.fill(0xff)
          at += bytes
        }
        expect(frames.map(({ id }) => id)).toEqual([...sizes.keys()])
        for (const { id, payload } of frames) expect(payload.equals(payloads[id] as Buffer)).toBe(true)
        expect(reader.holdsPart).toBe(false)
      }),
    )
  })

  it('refuses lengths that cannot be, before it waits for their bytes', () => {
    for (const length of [0, 4, maxFrameBytes + 1, 0xffffffff]) {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32BE(length)
      expect(() => new FrameReader().push(bytes)).toThrow(WireError)
    }
  })

  it('never throws anything but WireError for what a runtime may send', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 255 }), fc.uint8Array({ maxLength: 64 }), (type, payload) => {
        try {
          decode({ type, id: 1, payload: Buffer.from(payload) })
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })
})
