/** Trace context (W3C): which trace a request belongs to. The gateway, which does not travel, has its own copy of this. */

const wellFormed = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-|$)/
const zeros = /^0+$/
const longest = 512

/** The trace id of a `traceparent`; undefined when there is none, or none that the specification lets pass. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  if (traceparent === undefined || traceparent.length > longest) return undefined
  const [, version, trace = '', parent = '', rest] = wellFormed.exec(traceparent) ?? []
  if (version === undefined || version === 'ff' || zeros.test(trace) || zeros.test(parent)) return undefined
  // Later versions may have more to say; this one may not.
  return version === '00' && rest !== '' ? undefined : trace
}

/** A problem document with the trace id as its last member; everything else stays as it is. */
export function withTrace(problem: Buffer, traceId: string): Buffer {
  const end = problem.lastIndexOf('}')
  return Buffer.concat([problem.subarray(0, end), Buffer.from(`,"trace_id":"${traceId}"}\n`)])
}
