/** Steps that run side by side. */

/**
 * Waits for the end of all of them, also when one fails: what went on unseen would make things while somebody removes
 * them. Throws the first error.
 *
 * @example
 * const [role, layers] = await allOf([ensureRole(), ensureLayers()])
 */
export async function allOf<T extends readonly unknown[] | []>(
  steps: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  await Promise.allSettled(steps)
  return Promise.all(steps)
}
