/** Several things at a time, and no more than that. */

/**
 * Does `work` for each of `things`, `count` of them at a time. After a failure nothing new is begun, and what is under
 * way comes to its end before the failure is thrown: nobody works on in a place that is being tidied up.
 */
export async function atOnce<T>(
  count: number,
  things: Iterable<T>,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const rest = things[Symbol.iterator]()
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    for (let next = rest.next(); !next.done && failures.length === 0; next = rest.next()) {
      await work(next.value).catch(failure => failures.push(failure))
    }
  }
  await Promise.all(Array.from({ length: count }, worker))
  if (failures.length > 0) throw failures[0]
}

/**
 * The same for things of very different weight: as many at a time as weigh `most` together, a heavier one alone. They
 * begin in their order.
 */
export async function atOnceWeighing<T>(
  most: number,
  things: Iterable<T>,
  weigh: (thing: T) => number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const underWay = new Set<Promise<void>>()
  const failures: unknown[] = []
  let load = 0
  for (const thing of things) {
    const weight = weigh(thing)
    while (load > 0 && load + weight > most) await Promise.race(underWay)
    if (failures.length > 0) break
    load += weight
    const done: Promise<void> = work(thing)
      .catch(failure => void failures.push(failure))
      .finally(() => {
        load -= weight
        underWay.delete(done)
      })
    underWay.add(done)
  }
  await Promise.all(underWay)
  if (failures.length > 0) throw failures[0]
}
