/** ONNX files as models: what is read from the graph, and which files are refused. */
import { randomBytes } from 'node:crypto'
import { link, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  externalTensor,
  graph,
  identity,
  type Message,
  model,
  node,
  port,
  protobuf,
  types,
} from '../../../../tests/support/onnx-file.ts'
import type { ThampiError } from '../../../errors.ts'
import { readModel } from '../../read.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'thampi-onnx-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function write(files: Readonly<Record<string, Uint8Array | string>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), content)
  }
}

const iris = model({
  inputs: [port('X', types.float, [null, 4])],
  outputs: [port('label', types.int64, [null]), port('probabilities', types.float, [null, 3])],
  nodes: [node('LinearClassifier', ['X'], ['label', 'probabilities'], [[7, 'ai.onnx.ml']])],
})

async function refusal(bytes: Uint8Array): Promise<ThampiError> {
  await write({ 'm.onnx': bytes })
  return readModel('m.onnx', dir).then(
    () => expect.unreachable(),
    error => error,
  )
}

describe('an ONNX file', () => {
  test('is a model by itself: its graph is the schema', async () => {
    await write({ 'iris.onnx': iris, 'other.txt': '' })
    await utimes(join(dir, 'iris.onnx'), 0, new Date('2018-09-06T22:03:04Z'))
    const read = await readModel('iris.onnx', dir)
    expect(read).toMatchObject({ name: 'iris', format: 'onnx', receipts: [], notices: [] })
    expect(Object.keys(read.files)).toEqual(['iris.onnx'])
    expect(read.properties.trained_time_utc).toBe('2018-09-06T22:03:04')
    expect(read.schema).toEqual({
      declared: false,
      input: {
        type: 'object',
        properties: {
          input: {
            type: 'array',
            items: { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 },
          },
        },
        required: ['input'],
      },
      output: {
        type: 'object',
        properties: {
          label: { type: 'array', items: { type: 'integer' } },
          probabilities: expect.anything(),
        },
        required: ['label', 'probabilities'],
      },
    })
    expect(JSON.parse(read.added?.['brought.json'] ?? '')).toEqual({
      format: 'onnx',
      file: 'iris.onnx',
      external: [],
      inputs: [{ kind: 'tensor', name: 'X', type: 'float32', shape: [null, 4] }],
      outputs: [
        { kind: 'tensor', name: 'label', type: 'int64', shape: [null] },
        { kind: 'tensor', name: 'probabilities', type: 'float32', shape: [null, 3] },
      ],
    })
  })

  test('has the same identity wherever it lies, and another when one byte differs', async () => {
    await write({
      'a/m.onnx': iris,
      'b/m.onnx': iris,
      'c/m.onnx': Buffer.concat([iris, protobuf([[6, 'x']])]),
    })
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(name => readModel(name, dir)))
    expect(a?.properties.instance_id).toBe(b?.properties.instance_id)
    expect(a?.properties.instance_id).not.toBe(c?.properties.instance_id)
  })

  test('in a directory is found there, and `model.onnx` among several', async () => {
    await write({
      'one/digits.onnx': iris,
      'two/a.onnx': iris,
      'two/model.onnx': iris,
      'many/a.onnx': iris,
      'many/b.onnx': iris,
    })
    expect((await readModel('one', dir)).name).toBe('one')
    expect(Object.keys((await readModel('two', dir)).files)).toEqual(['model.onnx'])
    await expect(readModel('many', dir)).rejects.toMatchObject({
      code: 'MODEL_INVALID',
      message: expect.stringContaining('2 ONNX files: a.onnx, b.onnx'),
    })
  })

  test('takes its facts and its receipts from files beside it, when there are any', async () => {
    const facts = { thampi_data_version: '0.1', trained_time_utc: '2018-01-01T00:00:00', instance_id: 'mine' }
    await write({
      'm/model.onnx': iris,
      'm/thampi.json': JSON.stringify(facts),
      'm/receipts.jsonl': '{"data":{"input":[[1,2,3,4]]},"result":{"label":[0]}}\n',
    })
    const read = await readModel('m', dir)
    expect(read.properties).toEqual(facts)
    expect(read.receipts).toEqual([{ data: '{"input":[[1,2,3,4]]}', result: '{"label":[0]}' }])
  })

  test('brings the files that hold its weights', async () => {
    const parts = { inputs: [port('x', types.float, [2])], outputs: [port('y', types.float, [2])] }
    await write({
      'm/model.onnx': model({ ...parts, initializers: [externalTensor('w', 'weights/w.bin')] }),
      'm/weights/w.bin': Buffer.alloc(8),
      'm/weights/other.bin': 'not named',
    })
    expect(Object.keys((await readModel('m', dir)).files).sort()).toEqual(['model.onnx', 'weights/w.bin'])
  })

  test('with weights among its inputs asks nobody for them', async () => {
    const weight = protobuf([
      [1, 2],
      [2, types.float],
      [8, 'w'],
    ])
    await write({
      'm.onnx': model({
        inputs: [port('x', types.float, [2]), port('w', types.float, [2])],
        outputs: [port('y', types.float, [2])],
        initializers: [weight],
      }),
    })
    const { inputs } = JSON.parse((await readModel('m.onnx', dir)).added?.['brought.json'] ?? '')
    expect(inputs.map((input: { name: string }) => input.name)).toEqual(['x'])
  })

  test('that says nothing about the type of an output is fine', async () => {
    const untyped = protobuf([[1, 'label']])
    await write({ 'm.onnx': model({ inputs: [port('x', types.float, [2])], outputs: [untyped] }) })
    const read = await readModel('m.onnx', dir)
    expect(read.schema?.output).toEqual({})
    expect((await refusal(model({ inputs: [untyped], outputs: [untyped] }))).code).toBe('MODEL_INVALID')
  })

  test('whose probabilities are a list of maps says so, and how to get a tensor', async () => {
    const zipmap = protobuf([
      [1, 'probabilities'],
      [2, protobuf([[4, Buffer.alloc(0)]])],
    ])
    await write({
      'm.onnx': model({
        inputs: [port('x', types.float, [2])],
        outputs: [port('label', types.int64, [null]), zipmap],
      }),
    })
    const [notice] = (await readModel('m.onnx', dir)).notices ?? []
    expect(notice).toBe(
      'The output "probabilities" is a sequence and is left out. As a tensor: to_onnx(…, options={\'zipmap\': False}).',
    )
    const only = await refusal(model({ inputs: [port('x', types.float, [2])], outputs: [zipmap] }))
    expect(only).toMatchObject({ code: 'MODEL_INVALID', fix: expect.stringContaining('zipmap') })
  })
})

describe('refused before anything is packed', () => {
  const parts = { inputs: [port('x', types.float, [2])], outputs: [port('y', types.float, [2])] }
  const attribute = (field: number, value: Uint8Array): Message => [[5, protobuf([[field, value]])]]

  test('what is no ONNX model', async () => {
    const broken: Uint8Array[] = [
      Buffer.alloc(0),
      Buffer.from('hello'),
      Buffer.from('{"a": 1}'),
      iris.subarray(0, -9),
    ]
    broken.push(protobuf([[1, 8]]), randomBytes(500), Buffer.from('\xff'.repeat(64), 'latin1'))
    // A length that goes beyond the end, or beyond what numbers hold.
    broken.push(Buffer.from([0x3a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0]))
    for (const bytes of broken) {
      expect(await refusal(bytes)).toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('m.onnx'),
      })
    }
  })

  test('any prefix and any flipped bit of a model is read or refused, never more', async () => {
    for (let at = 0; at < 300; at++) {
      const bytes = Buffer.from(at % 2 === 0 ? iris.subarray(0, at % iris.length) : iris)
      if (at % 2 === 1) bytes[at % iris.length] = (bytes[at % iris.length] as number) ^ (1 << (at % 8))
      await write({ 'm.onnx': bytes })
      await readModel('m.onnx', dir).catch(error => expect(error).toMatchObject({ code: 'MODEL_INVALID' }))
    }
  })

  test('graphs in graphs without end', async () => {
    let inner = graph({})
    for (let depth = 0; depth < 2_000; depth++) {
      inner = graph({ nodes: [node('If', [], [], attribute(6, inner))] })
    }
    const error = await refusal(model({ ...parts, more: [[1, node('If', [], [], attribute(6, inner))]] }))
    expect(error).toMatchObject({ code: 'MODEL_INVALID', why: expect.stringContaining('more than 16 deep') })
  })

  test('operators of domains that need machine code, wherever they stand', async () => {
    const custom = node('Exec', [], [], [[7, 'evil.example.com']])
    const hidden = node('If', [], [], attribute(6, graph({ nodes: [custom] })))
    for (const nodes of [[custom], [hidden]]) {
      const error = await refusal(model({ ...parts, nodes }))
      expect(error).toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('"evil.example.com"'),
      })
    }
  })

  test('operators of functions in the file itself are fine', async () => {
    const local = node('Mine', [], [], [[7, 'local']])
    const definition = protobuf([
      [1, 'Mine'],
      [7, node('Add', [], [])],
      [10, 'local'],
    ])
    await write({ 'm.onnx': model({ ...parts, nodes: [local] }, [[25, definition]]) })
    await expect(readModel('m.onnx', dir)).resolves.toMatchObject({ format: 'onnx' })
  })

  test.each([
    '../secret',
    '/etc/passwd',
    'a/../../secret',
    './secret',
    'a//b',
    '',
    'a\\..\\secret',
    'C:secret',
    'nul\0byte',
    'not-there.bin',
    'link.bin',
    'hard.bin',
    'linked/inside.bin',
    'directory',
  ])('weights in %j', async location => {
    await write({ 'outside.bin': 'o', 'real/inside.bin': 'i', 'directory/x': '' })
    await symlink(join(dir, 'outside.bin'), join(dir, 'link.bin'))
    await link(join(dir, 'outside.bin'), join(dir, 'hard.bin'))
    await symlink(join(dir, 'real'), join(dir, 'linked'))
    const tensor = externalTensor('w', location)
    const hiding = {
      'an initializer': { initializers: [tensor] },
      'an attribute': { nodes: [node('Constant', [], [], attribute(5, tensor))] },
      'a sparse weight': { more: [[15, protobuf([[1, tensor]])]] as Message },
      'a subgraph': { nodes: [node('If', [], [], attribute(6, graph({ initializers: [tensor] })))] },
    }
    for (const [place, more] of Object.entries(hiding)) {
      const error = await refusal(model({ ...parts, ...more }))
      expect({ place, code: error.code }).toEqual({ place, code: 'MODEL_INVALID' })
    }
  })

  test('inputs that JSON cannot carry', async () => {
    const complex = await refusal(model({ ...parts, inputs: [port('x', 14, [2])] }))
    expect(complex.message).toContain('complex64')
    const sequence = protobuf([
      [1, 's'],
      [2, protobuf([[4, Buffer.alloc(0)]])],
    ])
    expect((await refusal(model({ ...parts, inputs: [sequence] }))).message).toContain('is a sequence')
  })

  test('a pipe of that name, without waiting for it', async () => {
    await mkdir(join(dir, 'm', 'model.onnx'), { recursive: true })
    await expect(readModel('m', dir)).rejects.toMatchObject({ code: 'MODEL_INVALID' })
  })
})

test('identity graphs of all types are read', async () => {
  await write({ 'm.onnx': identity(['a', types.int64, [null]], ['b', types.string, [null, 2]]) })
  expect((await readModel('m.onnx', dir)).schema?.input).toMatchObject({ required: ['a', 'b'] })
})
