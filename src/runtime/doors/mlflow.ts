/**
 * What MLflow's scoring server takes at `/invocations`, and `{"data": …}`, which is answered as everywhere: JSON with
 * `inputs` (the model gets the value) or `instances` (the model is asked once for each), and perhaps `params`. Tables,
 * which become DataFrames elsewhere, are refused.
 */
import { readObject } from '../body.ts'
import { encode } from '../encode.ts'
import { Problem, problemDocument } from '../problem.ts'
import type { Asked, Door } from './door.ts'

const forms = ['dataframe_split', 'dataframe_records', 'instances', 'inputs']
const native = Symbol('native')

export const mlflow: Door = {
  read: (body, contentType) => {
    checkType(contentType ?? 'application/json')
    const request = readObject(body)
    const given = forms.filter(form => Object.hasOwn(request, form))
    if (given.length === 0 && Object.hasOwn(request, 'data')) return { data: request.data, note: native }
    if (given.length !== 1) {
      const detail = `The body has ${given.map(form => `\`${form}\``).join(' and ') || 'no input'}.`
      const hint = `Send exactly one of ${forms.map(form => `\`${form}\``).join(', ')}.`
      throw new Problem('invalid-request', { detail, hint })
    }
    const { params } = request
    if (params !== undefined && params !== null && !isObject(params)) {
      throw new Problem('invalid-request', { detail: '`params` is no object.' })
    }
    return {
      ...askedOf(given[0] as string, request[given[0] as string]),
      ...(isObject(params) ? { params } : {}),
    }
  },
  write: ({ note }, result, { onMissing }) =>
    note === native ? undefined : `{"predictions":${encode(result, onMissing)}}\n`,
  refuse: (problem, { source, requestId }) => problemDocument(problem, source, requestId, false),
}

function checkType(contentType: string): void {
  const [mediaType = '', ...attributes] = contentType.split(';').map(part => part.trim().toLowerCase())
  const charset = attributes
    .find(part => part.startsWith('charset='))
    ?.slice('charset='.length)
    .replaceAll('"', '')
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new Problem('unsupported-media-type', { detail: `The charset is ${charset}, not UTF-8.` })
  }
  if (mediaType === 'text/csv') throw noTables()
  if (mediaType === 'application/json') return
  const detail = `The content type is ${mediaType}, neither application/json nor text/csv.`
  throw new Problem('unsupported-media-type', { detail })
}

function askedOf(form: string, value: unknown): Asked {
  if (form === 'inputs') return { data: value }
  if (form === 'dataframe_split' && (!isObject(value) || !('data' in value))) {
    const detail = '`dataframe_split` is an object with "columns", "data" and perhaps "index".'
    throw new Problem('invalid-request', { detail })
  }
  if (form === 'dataframe_records' && !(Array.isArray(value) && value.every(isObject))) {
    const detail = '`dataframe_records` is a list of objects, one for each row.'
    throw new Problem('invalid-request', { detail })
  }
  if (form !== 'instances') throw noTables()
  if (Array.isArray(value)) return { inputs: value }
  throw new Problem('invalid-request', { detail: '`instances` is a list of inputs.' })
}

export function noTables(): Problem {
  return new Problem('unsupported-media-type', {
    detail: 'This request becomes a DataFrame, which models in JavaScript do not have.',
    hint: 'Send `inputs`, `instances` or {"data": …}.',
  })
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
