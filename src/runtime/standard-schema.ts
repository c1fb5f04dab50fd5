/** Looks at inputs with the schema that a model brings: zod, Valibot, ArkType, whatever speaks Standard Schema. */
import { isThenable } from './ask.ts'
import { pointerOf } from './careful.ts'
import type { SchemaIssue, SchemaResult, StandardSchema } from './model.ts'
import { Problem } from './problem.ts'

/** The most issues that a caller is told of. */
const most = 20

/** What the schema makes of an input; perhaps a promise. Throws `Problem` naming every place that does not fit. */
export function checkWith(schema: StandardSchema, data: unknown): unknown {
  const result = schema['~standard'].validate(data)
  return isThenable(result)
    ? result.then(settled => acceptedOf(settled as SchemaResult<unknown>))
    : acceptedOf(result)
}

function acceptedOf(result: SchemaResult<unknown>): unknown {
  if (result.issues === undefined) return result.value
  const errors = result.issues.slice(0, most).map(issue => ({
    pointer: pointerTo(issue),
    code: 'model-rejected-input',
    message: issue.message,
  }))
  const [first] = errors
  const more = result.issues.length - 1
  const detail = first
    ? `${nameOf(first.pointer)}: ${first.message}${more > 0 ? ` (and ${more} more)` : ''}`
    : 'The input does not fit the schema.'
  throw new Problem('model-rejected-input', { detail, errors })
}

function pointerTo({ path = [] }: SchemaIssue): string {
  return pointerOf(['data', ...path.map(step => String(typeof step === 'object' ? step.key : step))])
}

/** `/data/input/3` as people write it: `data.input[3]`. */
function nameOf(pointer: string): string {
  const [, first = '', ...steps] = pointer.split('/')
  const shown = steps.map(step =>
    /^\d+$/.test(step) ? `[${step}]` : `.${step.replaceAll('~1', '/').replaceAll('~0', '~')}`,
  )
  return first + shown.join('')
}
