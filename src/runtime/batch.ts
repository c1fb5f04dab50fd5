/**
 * Batches: requests that wait together are handed to the model in one call of `predictBatch`. Whoever asks cannot tell:
 * the answer in a batch is the answer that the same request gets alone.
 */
import { replyFrame } from '../wire/runtime-side.ts'
import type { Answer } from './answer.ts'
import { report } from './blame.ts'
import { CallContext } from './context.ts'
import { type Conversation, OneByOne, type Waiting } from './loop.ts'
import { Problem } from './problem.ts'
import { writeAll } from './process.ts'

type Answered = readonly [Waiting, Answer]

/** Answers up to `batch` requests with one call: those that are here when the model becomes free. */
export class Together extends OneByOne {
  override readonly batch: number
  override readonly credits: number

  constructor(conversation: Conversation, batch: number) {
    super(conversation)
    this.batch = batch
    this.credits = Math.max(batch, 2)
  }

  /** The host sends a batch in one piece: what has begun to arrive is waited for. */
  protected override mayBegin(morePending: boolean): boolean {
    return !morePending || this.waiting.length >= this.batch
  }

  protected override work(): Promise<void> | undefined {
    // What comes through a door is often a batch already: such a request goes alone.
    const through = this.waiting.findIndex(({ request }) => request.door !== undefined)
    const count = Math.min(this.batch, through < 0 ? this.waiting.length : through)
    return count < 2 ? super.work() : this.#answerTogether(this.waiting.splice(0, count))
  }

  async #answerTogether(waiting: readonly Waiting[]): Promise<void> {
    const { answerer, logs, shared } = this.conversation
    const asked: Waiting[] = []
    const batch: unknown[] = []
    const refused: Answered[] = []
    for (const one of waiting) {
      try {
        batch.push(await answerer.ask.checked(answerer.read(one.request.body)))
        asked.push(one)
      } catch (error) {
        // Such an input never gets to the model.
        refused.push([one, this.#conclusion(one, error, true)])
      }
    }
    this.#replyAll(refused)
    if (asked.length === 0) return
    const deadline = Math.min(...asked.map(one => one.deadline))
    const ids = asked.map(({ request }) => request.requestId)
    const context = new CallContext(shared, ids.length === 1 ? ids[0] : undefined, deadline, ids)
    let results: ArrayLike<unknown>
    try {
      results = await answerer.ask.together(batch, context)
    } catch (error) {
      logs.end()
      if (error instanceof Problem)
        this.#replyAll(asked.map(one => [one, this.#conclusion(one, error, true)]))
      else await this.#answerAlone(asked, error)
      return
    }
    logs.end()
    this.#replyAll(asked.map((one, at) => [one, this.#conclusion(one, results[at], false)]))
    logs.end()
  }

  #conclusion({ request: { requestId, pretty } }: Waiting, result: unknown, isRefused: boolean): Answer {
    const { answerer, logs } = this.conversation
    logs.begin(requestId)
    return isRefused
      ? answerer.refusal(result, requestId, pretty)
      : answerer.conclusion(result, requestId, pretty)
  }

  /** Asks again, one by one, after the call for all threw: nobody pays for a neighbour's input. */
  async #answerAlone(asked: readonly Waiting[], error: unknown): Promise<void> {
    let retire = false
    let guilty = 0
    for (const [at, one] of asked.entries()) {
      const answer = await this.answerTo(one)
      if (answer.status >= 400) guilty++
      retire ||= answer.retire
      this.reply(one.request, { ...answer, retire: retire && at === asked.length - 1 })
    }
    if (guilty > 0) return
    const { log } = this.conversation.shared
    log.warn(`predictBatch raised for ${asked.length} inputs, of which each alone is fine: ${report(error)}`)
  }

  /** All replies at once. Only the last one may ask to retire, or it would cost its neighbours their answers. */
  #replyAll(answers: readonly Answered[]): void {
    const retire = answers.some(([, answer]) => answer.retire)
    const frames = answers.map(([{ request }, { status, body }], at) =>
      replyFrame(request.id, status, body, retire && at === answers.length - 1),
    )
    if (frames.length > 0) writeAll(this.conversation.outgoing, Buffer.concat(frames))
  }
}
