/** What the rest of Thampi knows about the way a model was written down. */
import type { FormatName } from '../saved-model.ts'

/** A new format is one file with such a value, and one entry in `index.ts`. */
export interface ModelFormat {
  readonly name: FormatName
  /** The file that makes a directory one of this format. */
  readonly main: string
  /** All files that a sandbox needs, `main` and `thampi.json` among them. */
  readonly files: readonly string[]
  /** Files that travel too where there are any: what `save` observed, which models of 2018 lack. */
  readonly companions: readonly string[]
}
