/** Times on the command line. */
import { usage } from './usage.ts'

/** `%Y-%m-%dT%H:%M:%S[.%f]`, given back as Python's `isoformat` writes it: six digits or none. */
export function naiveTime(text: string): string {
  const [, seconds, fraction = ''] = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?$/.exec(text) ?? []
  // `Date` rolls 30 February over; the same text must come back.
  const time = seconds === undefined ? Number.NaN : Date.parse(`${seconds}Z`)
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 19) !== seconds) {
    throw usage(
      `"${text}" is not a time.`,
      '--served_time_utc=2018-09-06T22:03:09.247038',
      'It is written as year-month-dayThour:minute:second in UTC, without a zone.',
    )
  }
  const microseconds = fraction.padEnd(6, '0')
  return microseconds === '000000' ? seconds : `${seconds}.${microseconds}`
}
