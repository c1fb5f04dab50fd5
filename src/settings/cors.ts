/** What the `cors` setting allows: `true`, or Zappa's object with `allowed_origin`, `allowed_headers`, `allowed_methods`. */

export interface Cors {
  /** `*` or one origin, lower case. */
  readonly origin: string
  readonly headers: string
  readonly methods: string
}

/** Undefined when pages of other origins may not call. */
export function readCors(setting: boolean | Readonly<Record<string, unknown>>): Cors | undefined {
  if (setting === false) return undefined
  const given = setting === true ? {} : setting
  return {
    origin: text(given.allowed_origin, '*').toLowerCase(),
    headers: text(given.allowed_headers, 'Content-Type, X-Request-Id, Traceparent, X-Api-Key, Authorization'),
    methods: text(given.allowed_methods, 'POST, OPTIONS'),
  }
}

function text(value: unknown, otherwise: string): string {
  if (Array.isArray(value)) return value.join(', ')
  return typeof value === 'string' && value !== '' ? value : otherwise
}
