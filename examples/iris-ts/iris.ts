/** K nearest neighbours, the classifier of the tutorial: a flower is of the species that most of its neighbours are of. */
import { BadInput, Model } from 'thampi/model'

export interface Flower {
  /** Length and width of sepals, then of petals, in centimetres. */
  input: number[]
}

export class Iris extends Model<Flower, { result: number }> {
  rows: Float64Array
  labels: Int32Array
  neighbours: number

  constructor(rows: Float64Array, labels: Int32Array, neighbours = 5) {
    super()
    this.rows = rows
    this.labels = labels
    this.neighbours = neighbours
  }

  override predict(args: Flower): { result: number } {
    const flower = measurements(args)
    const distances = Array.from(this.labels, (label, row) => ({
      label,
      distance: this.distance(flower, row),
    }))
    const nearest = distances.sort((a, b) => a.distance - b.distance).slice(0, this.neighbours)
    return { result: mostFrequent(nearest.map(({ label }) => label)) }
  }

  private distance(flower: number[], row: number): number {
    return flower.reduce((sum, value, column) => sum + (value - (this.rows[row * 4 + column] ?? 0)) ** 2, 0)
  }
}

/** What callers send is unknown, whatever the type says. */
function measurements(args: Flower | null): number[] {
  const input: unknown = args?.input
  if (!Array.isArray(input) || input.length !== 4 || !input.every(value => typeof value === 'number'))
    throw new BadInput('input must have 4 numbers', '/data/input')
  return input
}

/** Of several that are equally frequent, the lowest. */
function mostFrequent(labels: number[]): number {
  const counts = new Map<number, number>()
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1)
  const [[label] = [0]] = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0])
  return label
}
