/** A row of numbers as a row of bars. */

const bars = '▁▂▃▄▅▆▇█'

/** One character a number, the highest bar for the greatest; nothing is a space, and anything above nothing is seen. */
export function sparkline(numbers: readonly number[]): string {
  const greatest = Math.max(...numbers, 0)
  return numbers
    .map(number => (number <= 0 ? ' ' : bars[Math.ceil((number / greatest) * bars.length) - 1]))
    .join('')
}
