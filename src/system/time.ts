/** Times as answers carry them. */

/** Naive UTC as Python's `isoformat()` writes it: microseconds unless zero, no `Z`. `2018-09-06T22:03:09.247000` */
export function naiveUtc(date: Date): string {
  const iso = date.toISOString()
  const milliseconds = iso.slice(20, 23)
  return milliseconds === '000' ? iso.slice(0, 19) : `${iso.slice(0, 19)}.${milliseconds}000`
}
