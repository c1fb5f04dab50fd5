/** What the rest of Thampi knows about the way a model was written down. */
import type { FormatName, SavedModel } from '../saved-model.ts'

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

/** Where a model was found, and how its user would write it. */
export interface Place {
  readonly path: string
  /** The model's name, made of the path's. */
  readonly name: string
  /** What is in the directory; undefined when the path is a file. */
  readonly names: readonly string[] | undefined
  /** A file of the place in a message. */
  readonly shown: (file: string) => string
}

/** A model that another tool wrote, served as it is. Such a format is one file with such a value, and one entry in `index.ts`. */
export interface BroughtFormat {
  readonly name: FormatName
  isAt(place: Pick<Place, 'path' | 'names'>): boolean
  /** Says in `added` what the runtime has to know. @throws ThampiError MODEL_INVALID, PERMISSION */
  read(place: Place): Promise<SavedModel>
}
