/** Packages of which there is a smaller one for machines without a graphics card or a screen. */
import type { LockedWheel } from './lock.ts'

interface Hint {
  readonly when: (names: ReadonlySet<string>) => boolean
  readonly says: string
}

/** Sizes: unpacked, of the wheels for Linux x86_64 in 2026. */
const hints: readonly Hint[] = [
  {
    when: names => names.has('xgboost') && [...names].some(name => name.startsWith('nvidia-')),
    says: 'xgboost brings NVIDIA libraries of several hundred MB; `xgboost-cpu` is the same library without them.',
  },
  {
    when: names => names.has('tensorflow') || names.has('tensorflow-cpu'),
    says: 'tensorflow takes more than 1 GB unpacked, and Lambda takes 262 MB: convert the model to ONNX, or to LiteRT (`ai-edge-litert`).',
  },
  {
    when: names => names.has('opencv-python') || names.has('opencv-contrib-python'),
    says: 'opencv-python needs libraries of a screen, which Lambda does not have; `opencv-python-headless` does not.',
  },
  {
    when: names => names.has('torch') && [...names].some(name => name.startsWith('nvidia-')),
    says: 'torch brings NVIDIA libraries of more than 1 GB; builds without them carry `+cpu` in their version.',
  },
]

export function hintsFor(wheels: readonly LockedWheel[]): string[] {
  const names = new Set(wheels.map(({ name }) => name))
  return hints.filter(({ when }) => when(names)).map(({ says }) => says)
}
