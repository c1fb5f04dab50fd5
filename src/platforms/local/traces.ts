/** Which trace a request belongs to, for the lines that the model prints while it works on it. */
import { traceIdOf } from '../../wire/trace.ts'

/** Lines may come after the answer, so the latest are kept for a while. */
const kept = 1000

export class Traces {
  #byRequest = new Map<string, string>()

  add(requestId: string, traceparent: string): void {
    const trace = traceIdOf(traceparent)
    if (trace === undefined) return
    this.#byRequest.set(requestId, trace)
    if (this.#byRequest.size <= kept) return
    for (const oldest of this.#byRequest.keys()) {
      this.#byRequest.delete(oldest)
      return
    }
  }

  of(requestId: string): string | undefined {
    return this.#byRequest.get(requestId)
  }
}
