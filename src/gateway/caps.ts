/** How many connections may be open, so that files and processes can still be opened while a crowd is at the door. */

/** For logs, records, pipes to processes, and the processes' own start. */
const reserved = 512
/** IPv6 loopback is a convenience; most callers say 127.0.0.1. */
const mainShare = 0.8

/** Connections for the main listener and for the second one; undefined: no limit is known. */
export function connectionCaps(openFiles: number | undefined): readonly [main?: number, second?: number] {
  if (openFiles === undefined) return []
  const all = openFiles - Math.min(reserved, Math.floor(openFiles / 2))
  const main = Math.floor(all * mainShare)
  return [main, all - main]
}
