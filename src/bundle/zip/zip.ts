/** What goes into a zip archive of ours, and what comes of it. */
import type { Digest } from '../../system/files.ts'

/** A file whose packed bytes exist already: of another archive, or made before. They are copied as they are. */
export interface ZipEntry {
  /** Inside the archive, with `/`. */
  readonly path: string
  readonly executable: boolean
  /** Of the unpacked bytes. */
  readonly crc32: number
  /** 0: stored, 8: deflated. */
  readonly method: 0 | 8
  readonly packedBytes: number
  /** Unpacked. */
  readonly bytes: number
  /** The packed bytes, in order. */
  open(): AsyncIterable<Uint8Array>
}

/** A file of the disk, deflated while it is written. The files of a layer are such sources as they are. */
export interface ZipSource {
  readonly path: string
  readonly executable: boolean
  /** Where its bytes are, or they themselves, or what fetches them when their turn comes. */
  readonly source: string | Uint8Array | (() => Promise<Uint8Array>)
  /** When given, what the bytes must still be. */
  readonly digest?: Digest
}

/** An archive that was written. */
export interface Archive {
  readonly file: string
  /** Of the archive's bytes. Deflated bytes differ between builds of zlib: never compare it between machines. */
  readonly digest: Digest
  /** Size of the archive. */
  readonly bytes: number
  /** Size of all its files when unpacked. */
  readonly unpackedBytes: number
}
