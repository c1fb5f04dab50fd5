/** The verb `client`: a typed client of a stage, as the text of one file. */
import { pythonClient } from './api/python.ts'
import { typescriptClient } from './api/typescript.ts'
import type { Engine } from './engine.ts'
import { apiOfStage } from './openapi.ts'

export const clientLanguages = ['typescript', 'python'] as const
export type ClientLanguage = (typeof clientLanguages)[number]

const writers = { typescript: typescriptClient, python: pythonClient }

/**
 * The client has the types of the schema, errors as exceptions, and no dependencies.
 *
 * @example
 * writeFileSync('iris.ts', await client('typescript', 'staging', engine))
 * @throws ThampiError `NOT_DEPLOYED`
 */
export async function client(
  language: ClientLanguage,
  stageName: string | undefined,
  engine: Engine,
): Promise<string> {
  return writers[language](await apiOfStage(stageName, engine))
}
