/** Concurrency: a model that waits for others answers several requests at once. */
import type { Answer } from './answer.ts'
import { type Conversation, OneByOne, type Waiting } from './loop.ts'

/** Lets up to `limit` requests be under way at the same time; replies leave as they are ready. */
export class Concurrently extends OneByOne {
  override readonly credits: number
  #underWay = 0

  constructor(conversation: Conversation, limit: number) {
    super(conversation)
    this.credits = limit
    conversation.logs.several()
  }

  protected override mayBegin(): boolean {
    return this.#underWay < this.credits
  }

  protected override get isIdle(): boolean {
    return this.#underWay === 0
  }

  protected override work(): undefined {
    const waiting = this.waiting.shift() as Waiting
    const { logs } = this.conversation
    const answer = logs.within(waiting.request.requestId, () => this.answerTo(waiting))
    if (!(answer instanceof Promise)) {
      this.reply(waiting.request, answer)
      return
    }
    this.#underWay++
    void answer.then((given: Answer) => {
      this.#underWay--
      this.reply(waiting.request, given)
      this.go()
    })
  }
}
