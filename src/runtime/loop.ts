/** The conversation with the host once a model is loaded: requests in, replies out. */
import type { FrameReader } from '../wire/frame.ts'
import { decodeForRuntime, pongFrame, type Received, replyFrame } from '../wire/runtime-side.ts'
import type { Answer, Answerer } from './answer.ts'
import { CallContext, type Shared } from './context.ts'
import type { Logs } from './logs.ts'
import { end, writeAll } from './process.ts'

/** What a loop works with. */
export interface Conversation {
  readonly answerer: Answerer
  readonly logs: Logs
  readonly shared: Shared
  readonly outgoing: number
}

/** A request that waits for the model. */
export interface Waiting {
  readonly request: Received
  /** As `performance.now()` counts. */
  readonly deadline: number
}

/** Answers each request before the model sees the next, so that no finished answer waits for its neighbour. */
export class OneByOne {
  /** One request runs, the next one is already here: no waiting for the host in between. */
  readonly credits: number = 2
  /** How many requests are handed to the model together; 0: one by one. */
  readonly batch: number = 0

  protected readonly conversation: Conversation
  protected waiting: Waiting[] = []
  #busy = false
  #stopping = false

  constructor(conversation: Conversation) {
    this.conversation = conversation
  }

  /** Takes what has arrived. Throws `WireError` when it breaks the rules. */
  receive(chunk: Buffer, frames: FrameReader): void {
    const now = performance.now()
    for (const frame of frames.push(chunk)) {
      const message = decodeForRuntime(frame)
      switch (message.type) {
        case 'request':
          this.waiting.push({ request: message.request, deadline: now + message.request.remainingMs })
          break
        case 'ping':
          writeAll(this.conversation.outgoing, pongFrame(message.id))
          break
        case 'stop':
          this.#stopping = true
          break
        case 'start':
          throw new Error('`start` came a second time')
      }
    }
    this.go(frames.holdsPart)
  }

  /** Goes on with what waits, unless the model is at work; ends the process when it was told to and nothing is left. */
  protected go(morePending = false): void {
    while (!this.#busy && this.waiting.length > 0 && this.mayBegin(morePending)) {
      const working = this.work()
      if (working === undefined) continue
      this.#busy = true
      void working.then(() => {
        this.#busy = false
        this.go()
      })
    }
    if (this.#stopping && !this.#busy && this.waiting.length === 0 && this.isIdle) end(0)
  }

  /** Whether to begin although the rest of a frame is still on its way. */
  protected mayBegin(_morePending: boolean): boolean {
    return true
  }

  /** Whether nothing is under way elsewhere. */
  protected get isIdle(): boolean {
    return true
  }

  /** Answers what stands first; a promise when that takes a while. */
  protected work(): Promise<void> | undefined {
    const waiting = this.waiting.shift() as Waiting
    const answer = this.answerTo(waiting)
    if (!(answer instanceof Promise)) {
      this.reply(waiting.request, answer)
      return undefined
    }
    return answer.then(given => this.reply(waiting.request, given))
  }

  /** The answer to one request on its own. */
  protected answerTo({ request, deadline }: Waiting): Answer | Promise<Answer> {
    const { answerer, logs, shared } = this.conversation
    logs.begin(request.requestId)
    const context = new CallContext(shared, request.requestId, deadline)
    const { door, contentType, body } = request
    const answer =
      door === undefined
        ? answerer.answer(body, context, request.pretty)
        : answerer.through({ door, contentType, body }, context)
    if (!(answer instanceof Promise)) {
      logs.end()
      return answer
    }
    return answer.finally(() => logs.end())
  }

  protected reply({ id }: Received, { status, body, retire }: Answer): void {
    writeAll(this.conversation.outgoing, replyFrame(id, status, body, retire))
  }
}
