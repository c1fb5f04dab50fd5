/** A model in TypeScript: its class bundled into one module, its state beside it. */
import type { ModelFormat } from './format.ts'

export const typescript: ModelFormat = {
  name: 'typescript',
  main: 'model.mjs',
  files: ['model.mjs', 'thampi.json', 'saved.json'],
  companions: ['state.json', 'state.bin', 'schema.json'],
}
