/** The bare alternative: the model called in a Python process on one core. Nobody who serves this model can be faster. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const start = promisify(execFile)
const program = join(import.meta.dirname, 'services', 'in_process.py')

/** Keeps two cells: one call at a time, and batches of 64 (rows a second). */
export async function bare({ kind, input, expected }, installed, keep) {
  const python = [...installed].find(([peer]) => peer.name === 'Thampi')?.[1]
  if (!python) return
  const question = JSON.stringify({ kind, input, expected })
  const env = { PATH: process.env.PATH, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }
  const { stdout } = await start(python, [program, question], { env, timeout: 60_000 })
  const { one, batch } = JSON.parse(stdout)
  const none = { wrong: 0, broken: 0, sample: '', processes: 1 }
  keep('In process', 'one by one', 1, { ...none, ...one })
  keep('In process', 'batch of 64', 64, { ...none, ...batch })
}
