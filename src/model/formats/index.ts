/** The formats, in the order in which a directory is compared with them. */
import type { ModelFormat } from './format.ts'
import { python } from './python.ts'

export const formats: readonly ModelFormat[] = [python]

/** The format of a directory with these file names, or undefined. */
export function formatOf(names: readonly string[]): ModelFormat | undefined {
  return formats.find(format => names.includes(format.main))
}
