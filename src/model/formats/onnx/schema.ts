/** The JSON Schema of what callers of an ONNX model send and get. */
import type { JsonSchema, Schema } from '../../schema.ts'
import { nested } from '../mlflow-signature.ts'
import type { ElementType, Value } from './graph.ts'

type Tensor = Extract<Value, { kind: 'tensor' }>

/**
 * Not declared: the runtime itself refuses what the graph does not take, in the model's own words. A single input is
 * called `input`, a single output stands alone.
 */
export function schemaOfGraph(inputs: readonly Tensor[], outputs: readonly Tensor[]): Schema {
  const [only] = outputs
  return {
    declared: false,
    input: objectOf(inputs.length === 1 ? inputs.map(input => ({ ...input, name: 'input' })) : inputs),
    output: outputs.length === 1 && only ? ofTensor(only) : objectOf(outputs),
  }
}

function objectOf(tensors: readonly Tensor[]): JsonSchema {
  return {
    type: 'object',
    properties: Object.fromEntries(tensors.map(tensor => [tensor.name, ofTensor(tensor)])),
    required: tensors.map(({ name }) => name),
  }
}

function ofTensor({ type, shape }: Tensor): JsonSchema {
  if (shape === undefined) return {}
  return nested(
    shape.map(length => length ?? -1),
    leafOf(type),
  )
}

function leafOf(type: ElementType): JsonSchema {
  if (type === 'string') return { type: 'string' }
  if (type === 'bool') return { type: 'boolean' }
  return { type: type.includes('float') ? 'number' : 'integer' }
}
