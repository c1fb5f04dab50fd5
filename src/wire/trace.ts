/** Trace context (W3C): which trace a request belongs to, for logs and problem documents. */

const wellFormed = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(-|$)/
const zeros = /^0+$/
const longest = 512

/**
 * The trace id of a `traceparent`; undefined when there is none, or none that the specification lets pass.
 *
 * @example
 * traceIdOf('00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01')   // '4bf92f3577b34da6a3ce929d0e0e4736'
 * @see https://www.w3.org/TR/trace-context/#traceparent-header
 */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  if (traceparent === undefined || traceparent.length > longest) return undefined
  const [, version, trace = '', parent = '', rest] = wellFormed.exec(traceparent) ?? []
  if (version === undefined || version === 'ff' || zeros.test(trace) || zeros.test(parent)) return undefined
  // Later versions may have more to say; this one may not.
  return version === '00' && rest !== '' ? undefined : trace
}

/**
 * A problem document that a runtime wrote, with the trace id as its last member: what answers for a model knows nothing
 * of traces. Everything else stays as it is.
 */
export function withTrace(problem: Buffer, traceId: string): Buffer {
  const end = problem.lastIndexOf(closingBrace)
  if (problem[0] !== openingBrace || end < 0) return problem
  return Buffer.concat([problem.subarray(0, end), Buffer.from(`,"trace_id":"${traceId}"}\n`)])
}

const openingBrace = '{'.charCodeAt(0)
const closingBrace = '}'.charCodeAt(0)
