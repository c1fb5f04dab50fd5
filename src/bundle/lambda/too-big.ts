/** A package that Lambda does not take: how big it is, what is biggest in it, and what can be done. */
import { ThampiError } from '../../errors.ts'
import type { Stage } from '../../settings/stage.ts'
import type { Bundle } from '../bundle.ts'
import { megabytes } from '../refusals.ts'
import { bars } from './bars.ts'
import { type Decision, roomForCode } from './decision.ts'
import { scratchMb } from './limits.ts'
import { archiveOf, sizesOf } from './sizes.ts'

const listed = 5

/** For a package that only a container image could hold; Thampi makes none. */
export function tooBig(
  bundle: Bundle,
  { because }: Extract<Decision, { readonly package: 'image' }>,
  stage: Stage,
): ThampiError {
  const sizes = sizesOf(bundle)
  const here = `serve it on this machine: thampi serve ${stage.name} --platform local`
  if (because === 'model') {
    return new ThampiError('PACKAGE_TOO_BIG', {
      message: `The model of ${stage.model} has ${megabytes(sizes.model)}; the disk of a function holds ${scratchMb.most} MB.`,
      fix: here,
    })
  }
  const packages = archiveOf(bundle)?.packages ?? []
  const biggest = [...packages].sort((a, b) => b.bytes - a.bytes).slice(0, listed)
  const dropped = packages.reduce((total, one) => total + one.dropped.bytes, 0)
  const saved =
    dropped === 0 ? '' : `\nLeft out already: ${megabytes(dropped)} of tests, headers and the like.`
  const rows = biggest.map(({ name, version, bytes }) => ({ name: `${name} ${version}`, bytes }))
  return new ThampiError('PACKAGE_TOO_BIG', {
    message: `${stage.model} takes ${megabytes(sizes.dependencies + sizes.code)} unpacked; Lambda has room for ${megabytes(roomForCode)}.`,
    why: `${bars(rows).join('\n')}${saved}`,
    fix: `leave out what the model does not import, save it as ONNX, or ${here}`,
  })
}
