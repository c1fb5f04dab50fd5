/** The formats, in the order in which a directory is compared with them. */
import type { BroughtFormat, ModelFormat, Place } from './format.ts'
import { mlflow } from './mlflow.ts'
import { onnx } from './onnx/onnx.ts'
import { python } from './python.ts'
import { typescript } from './typescript.ts'

export const formats: readonly ModelFormat[] = [python, typescript]

/** The format of a directory with these file names, or undefined. */
export function formatOf(names: readonly string[]): ModelFormat | undefined {
  return formats.find(format => names.includes(format.main))
}

/** What others wrote; looked for where `save` has left nothing. */
const brought: readonly BroughtFormat[] = [mlflow, onnx]

/** The format of another tool that a place is in, or undefined. */
export function broughtFormatOf(place: Pick<Place, 'path' | 'names'>): BroughtFormat | undefined {
  return brought.find(format => format.isAt(place))
}
