/** A layer is named by what it holds: paths, modes, digests and sizes, and nothing else. */
import { createHash } from 'node:crypto'
import type { Digest } from '../system/files.ts'
import type { FileEntry, Layer, LayerKind } from './bundle.ts'

/**
 * The digest over `path NUL mode NUL digest NUL size LF` of each file, sorted by the bytes of the path. Times, owners, the
 * order of a directory listing, umask, locale and where the files come from have no part in it.
 */
export function layerOf(kind: LayerKind, files: readonly FileEntry[]): Layer {
  const sorted = [...files].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)))
  const hash = createHash('sha256')
  for (const { path, executable, digest, size } of sorted) {
    hash.update(`${path}\0${executable ? '755' : '644'}\0${digest}\0${size}\n`)
  }
  const digest: Digest = `sha256:${hash.digest('hex')}`
  return { kind, digest, files: sorted }
}
