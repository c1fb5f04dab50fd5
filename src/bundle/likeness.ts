/** How what runs on this machine is related to what Lambda gets, for a stage that the settings put on Lambda. */
import type { Digest } from '../system/files.ts'

export type Likeness =
  /** The very packages, byte for byte; `layer` names them. A module that brings its packages has no layer. */
  | { readonly packages: 'same'; readonly layer?: Digest | undefined; readonly runs: string }
  /** The versions of Lambda's lock, in wheels for this machine. */
  | { readonly packages: 'twin'; readonly why: string }
  /** What is installed here, or was installed without regard to Lambda. */
  | { readonly packages: 'other'; readonly why: string }

/**
 * @example
 * sentenceOf({ packages: 'other', why: 'there is no Python 3.13 on this machine' })
 */
export function sentenceOf(likeness: Likeness): string {
  switch (likeness.packages) {
    case 'same':
      return likeness.layer === undefined
        ? `Runs the module that Lambda gets; ${likeness.runs}.`
        : `Runs with the packages that Lambda gets (layer ${short(likeness.layer)}), and no others; ${likeness.runs}.`
    case 'twin':
      return `Runs with a twin of what Lambda gets, the same versions made for this machine: ${likeness.why}.`
    case 'other':
      return `Runs with packages of this machine, which is not what Lambda gets: ${likeness.why}.`
  }
}

function short(digest: Digest): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12)
}
