/** Numbers: medians of runs, and how they are written. */

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = [...values].sort((one, other) => one - other)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

/** Three significant digits and separators: 26,800 · 94 · 0.52 */
export function shown(value) {
  if (value === undefined || !Number.isFinite(value)) return '–'
  if (value === 0) return '0'
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))))
  const rounded = Number(value.toPrecision(3))
  return rounded.toLocaleString('en-US', { maximumFractionDigits: Math.min(3, digits) })
}

/** How far runs were apart, in percent of their median: ± 4 %. */
export function spread(values) {
  const middle = median(values)
  return middle > 0 ? ((Math.max(...values) - Math.min(...values)) / 2 / middle) * 100 : 0
}
