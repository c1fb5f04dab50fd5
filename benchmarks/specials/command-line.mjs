/** How long the command line takes to say something, beside Node itself. */
import { spawnSync } from 'node:child_process'
import { cli } from '../peers/thampi.mjs'

/** @type {import('./index.mjs').SpecialWorkload} */
export default {
  name: 'command line',
  title: 'Start of the command line',
  run: async ({ small }) => {
    const commands = {
      'node alone': ['-e', '0'],
      'thampi --help': [cli, '--help'],
      'thampi --version': [cli, '--version'],
    }
    const samples = Object.fromEntries(Object.keys(commands).map(name => [name, { unit: 'ms', values: [] }]))
    for (let i = 0; i < (small ? 5 : 21); i++) {
      for (const [name, args] of Object.entries(commands)) samples[name].values.push(timeOf(args))
    }
    return samples
  },
}

function timeOf(args) {
  const started = performance.now()
  const { status } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with ${status}`)
  return performance.now() - started
}
