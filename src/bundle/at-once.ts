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
