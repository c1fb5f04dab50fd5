/** Whether a request may be asked again after its process died, and whether its body may be asked at all. */
import { type Ending, isSelfMade } from './ending.ts'
import { Quarantine } from './quarantine.ts'
import { RetryBudget } from './retry-budget.ts'

/** Its body is joined when it is asked for, so it is asked for only where somebody is under suspicion. */
interface WithBody {
  readonly body: Uint8Array
}

export class SecondTries {
  #idempotent: boolean
  #budget = new RetryBudget()
  #quarantine = new Quarantine()
  /** The last death that took requests along, and whether they may be asked again. */
  #death: { readonly ending: Ending; readonly granted: boolean } | undefined

  /** `idempotent`: whether `predict` may run twice for one request. */
  constructor(idempotent: boolean) {
    this.#idempotent = idempotent
  }

  /** Counts a request that comes for the first time. */
  asked(): void {
    this.#budget.asked()
  }

  /** Its process survived it. */
  answered(request: WithBody): void {
    if (!this.#quarantine.isEmpty) this.#quarantine.clear(request.body)
  }

  /** A process died with this request in hand, and with no other that could have been the cause. */
  blame(request: WithBody, ending: Ending): void {
    if (isSelfMade(ending)) this.#quarantine.blame(request.body)
  }

  /** Whether its body has ended too many processes to be given one more. */
  refuses(request: WithBody): boolean {
    return !this.#quarantine.isEmpty && this.#quarantine.holds(request.body)
  }

  /** Whether what a process had in hand may be asked again. One grant serves them all: it is processes that it costs. */
  grants(ending: Ending): boolean {
    if (!this.#idempotent) return false
    if (this.#death?.ending !== ending) this.#death = { ending, granted: this.#budget.take() }
    return this.#death.granted
  }

  end(): void {
    this.#budget.end()
  }
}
