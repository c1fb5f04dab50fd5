/** A file of the project with a policy in it, as a key of the settings names it. */
import { resolve } from 'node:path'
import { systemCode, ThampiError } from '../../../errors.ts'
import { readIfThere } from '../../../system/files.ts'
import type { System } from '../../../system/system.ts'

export type PolicyDocument = Readonly<Record<string, unknown>>

export interface PolicyFile {
  /** As the settings name it. */
  readonly file: string
  readonly document: PolicyDocument
  readonly statements: readonly PolicyDocument[]
}

/**
 * Undefined where the settings name none. Read on each serve, so that a change in a file is a change of the stage.
 *
 * @throws ThampiError SETTINGS_INVALID for a file that is missing or is not what IAM takes
 */
export async function policyIn(
  key: string,
  file: unknown,
  stage: string,
  { cwd }: System,
): Promise<PolicyFile | undefined> {
  if (typeof file !== 'string') return undefined
  const invalid = (what: string, fix: string): ThampiError =>
    new ThampiError('SETTINGS_INVALID', {
      message: `${file} (\`${key}\` of stage \`${stage}\`) ${what}.`,
      fix,
    })
  const text = await readIfThere(resolve(cwd, file)).catch((error: unknown) => {
    throw invalid(`cannot be read (${systemCode(error) ?? error})`, 'name a file that you may read')
  })
  if (text === undefined) {
    throw invalid(
      'is not there',
      `put it there, or correct "${key}"; its path is seen from the directory in which thampi runs`,
    )
  }
  const example = 'write it as IAM has it: {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", …}]}'
  const document = parsed(text)
  if (document === undefined) throw invalid('is no JSON object', example)
  const { Statement } = document
  const statements = Array.isArray(Statement) ? Statement : [Statement]
  if (!statements.every(isStatement)) throw invalid('has statements that are none', example)
  return { file, document, statements }
}

function parsed(text: string): PolicyDocument | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function isStatement(value: unknown): value is PolicyDocument {
  const { Effect } = (value ?? {}) as { readonly Effect?: unknown }
  return Effect === 'Allow' || Effect === 'Deny'
}
