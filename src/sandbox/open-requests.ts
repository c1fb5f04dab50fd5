/**
 * What a runtime has been asked and not yet answered, by id. An array and not a `Map`: the tables that a busy map
 * leaves behind keep dead requests alive from one collection of garbage to the next, measured as a third of all
 * garbage surviving and a tenth of the host's time.
 */
export interface OpenRequest {
  /** Given by `add`; 1 to 2^32 − 1, as the wire carries it. */
  id: number
}

const firstSlots = 128

export class OpenRequests<R extends OpenRequest> {
  /** A power of two, at least twice as many as are open: the next free one is never far. */
  #slots: (R | undefined)[] = Array.from({ length: firstSlots })
  #size = 0
  #lastId = 0

  get size(): number {
    return this.#size
  }

  /** Gives the request an id that no open one has, and that no recent one had. */
  add(request: R): void {
    if (2 * (this.#size + 1) > this.#slots.length) this.#grow()
    let id = this.#lastId
    do {
      id = (id + 1) >>> 0
    } while (id === 0 || this.#slots[this.#slotOf(id)] !== undefined)
    this.#lastId = id
    request.id = id
    this.#slots[this.#slotOf(id)] = request
    this.#size += 1
  }

  /** The open request of this id, which is then no longer open; undefined when there is none. */
  take(id: number): R | undefined {
    const request = this.#slots[this.#slotOf(id)]
    if (request?.id !== id) return undefined
    this.#slots[this.#slotOf(id)] = undefined
    this.#size -= 1
    return request
  }

  /** All that are open, in the order in which they were added; none is open any more. */
  drain(): R[] {
    const open = this.#slots.filter(slot => slot !== undefined)
    this.#slots = Array.from({ length: firstSlots })
    this.#size = 0
    return open.sort((one, other) => one.id - other.id)
  }

  #slotOf(id: number): number {
    return id & (this.#slots.length - 1)
  }

  #grow(): void {
    const open = this.#slots
    this.#slots = Array.from({ length: 2 * open.length })
    // Ids that differ in a small ring differ in a larger one.
    for (const request of open) if (request) this.#slots[this.#slotOf(request.id)] = request
  }
}
