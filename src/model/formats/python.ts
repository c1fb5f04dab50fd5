/** A Python object, pickled by cloudpickle. */
import type { ModelFormat } from './format.ts'

export const python: ModelFormat = {
  name: 'python',
  main: 'model.pkl',
  files: ['model.pkl', 'thampi.json'],
  companions: ['saved.json', 'schema.json'],
}
