/** An ONNX file, alone or in a directory: its graph says what callers send and get. No code of anybody is needed. */
import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { ThampiError } from '../../../errors.ts'
import { type Digest, digestOf, digestOfFile, explainFileError, readIfThere } from '../../../system/files.ts'
import { naiveUtc } from '../../../system/time.ts'
import { noFacts, parseProperties, parseReceipts } from '../../facts.ts'
import type { Properties, SavedModel } from '../../saved-model.ts'
import type { BroughtFormat, Place } from '../format.ts'
import { checkExternalData } from './external.ts'
import { type Graph, readGraph, type Value } from './graph.ts'
import { ProtobufError } from './protobuf.ts'
import { schemaOfGraph } from './schema.ts'

/** A protocol buffer cannot be longer; weights beyond that lie in other files. */
const maxBytes = 2 ** 31 - 1

/** Operators of these domains are in every runtime; others would have to be loaded as machine code. */
const knownDomains = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft'])

export const onnx: BroughtFormat = {
  name: 'onnx',
  isAt: ({ path, names }) => (names ? names.some(isOnnx) : isOnnx(path)),
  read,
}

function isOnnx(name: string): boolean {
  return extname(name) === '.onnx'
}

async function read(place: Place): Promise<SavedModel> {
  const { names } = place
  const dir = names ? place.path : dirname(place.path)
  const file = names ? mainOf(names, place) : basename(place.path)
  const shown = place.shown(names ? file : '')
  const bytes = await bytesOf(join(dir, file), shown)
  const graph = graphIn(bytes, shown)
  await checkExternalData(dir, graph.externalData, shown)
  const files: Record<string, Digest> = { [file]: digestOf(bytes) }
  for (const other of graph.externalData) files[other] = await digestOfFile(join(dir, other))

  const inputs = graph.inputs.map(value => tensorOf(value, shown))
  const outputs = graph.outputs.filter(isTensor)
  const leftOut = graph.outputs.filter(value => value.kind === 'other')
  if (outputs.length === 0) throw zipped(leftOut, shown)
  const properties = await propertiesOf(dir, file, bytes, names)
  const receipts = names?.includes('receipts.jsonl')
    ? parseReceipts((await readIfThere(join(dir, 'receipts.jsonl'))) ?? '', place.shown('receipts.jsonl'))
    : []
  const schema = schemaOfGraph(inputs, outputs)
  const facts = { format: 'onnx', file, external: graph.externalData, inputs, outputs }
  return {
    dir,
    name: names ? place.name : basename(file, '.onnx'),
    format: 'onnx',
    properties,
    made: noFacts.made,
    receipts,
    schema,
    files,
    added: {
      'thampi.json': `${JSON.stringify(properties, null, 2)}\n`,
      'brought.json': `${JSON.stringify(facts, null, 2)}\n`,
      'schema.json': `${JSON.stringify(schema, null, 2)}\n`,
    },
    notices: leftOut.map(
      ({ name, what }) =>
        `The output "${name}" is ${what} and is left out. As a tensor: to_onnx(…, options={'zipmap': False}).`,
    ),
  }
}

type Tensor = Extract<Value, { kind: 'tensor' }>

function mainOf(names: readonly string[], { shown }: Place): string {
  const found = names.filter(isOnnx).sort()
  if (found.includes('model.onnx')) return 'model.onnx'
  if (found.length === 1) return found[0] as string
  throw new ThampiError('MODEL_INVALID', {
    message: `${shown('')} holds ${found.length} ONNX files: ${found.slice(0, 5).join(', ')}.`,
    why: 'Which one is meant cannot be known; `model.onnx` would be taken.',
    fix: `--model_dir=${shown(found[0] as string)}`,
  })
}

async function bytesOf(path: string, shown: string): Promise<Buffer> {
  try {
    const kind = await stat(path)
    if (!kind.isFile()) throw invalid(`${shown} is not a regular file.`)
    if (kind.size > maxBytes) throw invalid(`${shown} has ${kind.size} bytes; an ONNX file has 2 GB at most.`)
    return await readFile(path)
  } catch (cause) {
    throw explainFileError(cause, path)
  }
}

function graphIn(bytes: Buffer, shown: string): Graph {
  let graph: Graph
  try {
    graph = readGraph(bytes)
  } catch (cause) {
    if (!(cause instanceof ProtobufError)) throw cause
    throw new ThampiError('MODEL_INVALID', {
      message: `${shown} is no ONNX model that can be read.`,
      why: `${cause.message[0]?.toUpperCase()}${cause.message.slice(1)}.`,
      fix: 'export the model again',
      cause,
    })
  }
  const foreign = graph.domains.filter(domain => !knownDomains.has(domain))
  if (foreign.length > 0) {
    throw new ThampiError('MODEL_INVALID', {
      message: `${shown} uses operators of ${foreign.map(domain => JSON.stringify(domain.slice(0, 80))).join(', ')}.`,
      why: `Served are those of ${[...knownDomains].filter(Boolean).join(', ')}; others need machine code of their own.`,
      fix: 'export the model with operators of ONNX alone',
    })
  }
  return graph
}

function isTensor(value: Value): value is Tensor {
  return value.kind === 'tensor'
}

/** @throws ThampiError when callers could not send it as JSON */
function tensorOf(value: Value, shown: string): Tensor {
  if (value.kind === 'other') throw invalid(`The input "${value.name}" of ${shown} is ${value.what}.`)
  if (/^(undefined|complex|bfloat16)/.test(value.type))
    throw invalid(`The input "${value.name}" of ${shown} is of type ${value.type}, which JSON cannot carry.`)
  return value
}

function zipped([first]: readonly Value[], shown: string): ThampiError {
  return new ThampiError('MODEL_INVALID', {
    message: first
      ? `${shown} gives nothing but ${first.kind === 'other' ? first.what : 'tensors'} ("${first.name}").`
      : `${shown} has no output.`,
    fix: "to_onnx(model, …, options={'zipmap': False})",
  })
}

/** Nobody says when the model was trained: the file's time and content stand for it. */
async function propertiesOf(
  dir: string,
  file: string,
  bytes: Buffer,
  names: readonly string[] | undefined,
): Promise<Properties> {
  if (names?.includes('thampi.json')) {
    const path = join(dir, 'thampi.json')
    return parseProperties((await readIfThere(path)) ?? '', path)
  }
  const hex = digestOf(bytes).slice('sha256:'.length)
  return {
    thampi_data_version: '0.1',
    trained_time_utc: naiveUtc((await stat(join(dir, file))).mtime),
    instance_id: [
      hex.slice(0, 8),
      hex.slice(8, 12),
      hex.slice(12, 16),
      hex.slice(16, 20),
      hex.slice(20, 32),
    ].join('-'),
  }
}

function invalid(message: string): ThampiError {
  return new ThampiError('MODEL_INVALID', { message, fix: 'export the model with tensors as inputs' })
}
