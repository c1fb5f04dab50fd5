/** Which machine a model runs on in AWS Lambda: its Python or Node, its processor, its glibc. */
import { ThampiError } from '../../errors.ts'
import type { SavedModel } from '../../model/saved-model.ts'
import type { Stage } from '../../settings/stage.ts'
import type { Target } from '../bundle.ts'
import type { LambdaArchitecture, LambdaRuntime } from './package.ts'

/** Of Amazon Linux 2023, the base of every runtime below. `manylinux` wheels up to this number run there. */
const glibc = '2.34'

/** Runtimes on Amazon Linux 2023. Older ones have glibc 2.26, which the wheels of today's scientific packages do not run on. */
const pythons: readonly string[] = ['3.12', '3.13', '3.14']

/** Where nothing says which, because the model belongs to none. */
const usualPython = '3.13'
const usualNode = '24'

/**
 * What a bundle of this model must be made for, so that Lambda runs it. A model that either language can run gets both;
 * whoever makes the bundle takes one.
 *
 * @throws ThampiError PYTHON_MISMATCH when Lambda has no such Python, or the settings want another one than the model
 * @example
 * lambdaTarget(model, stage) // { os: 'linux', arch: 'x64', glibc: '2.34', python: '3.13' }
 */
export function lambdaTarget(model: SavedModel, stage: Stage): Target {
  const arch = stage.aws.architecture === 'arm64' ? 'arm64' : 'x64'
  const machine = { os: 'linux', arch, glibc } as const
  const node = stage.node ?? usualNode
  switch (model.format) {
    case 'typescript':
      return { ...machine, node }
    case 'onnx':
      return { ...machine, node, python: pythonFor(model, stage) }
    case 'python':
    case 'mlflow':
      return { ...machine, python: pythonFor(model, stage) }
  }
}

/** @throws ThampiError PYTHON_MISMATCH */
export function checkLambdaPython(minor: string, model: string, stage: Stage, because: string): string {
  if (pythons.includes(minor)) return minor
  const here = `or serve it on this machine: thampi serve ${stage.name} --platform local`
  if (isOlder(minor, pythons[0] as string)) {
    throw new ThampiError('PYTHON_MISMATCH', {
      message: `${model} ${because}, which Lambda runs on glibc 2.26: too old for today's wheels.`,
      why: `Functions of Thampi run on Python ${pythons.join(', ')}.`,
      fix: `save it with Python ${pythons[0]} or newer, ${here}`,
    })
  }
  throw new ThampiError('PYTHON_MISMATCH', {
    message: `${model} ${because}, which Lambda does not offer.`,
    why: `It offers ${pythons.join(', ')}.`,
    fix: `save it with Python ${pythons.at(-1)}, ${here}`,
  })
}

/** `python3.13`, `nodejs24.x` */
export function runtimeOf({ python, node }: Target): LambdaRuntime {
  return (python === undefined ? `nodejs${node}.x` : `python${python}`) as LambdaRuntime
}

export function architectureOf({ arch }: Target): LambdaArchitecture {
  return arch === 'arm64' ? 'arm64' : 'x86_64'
}

function pythonFor(model: SavedModel, stage: Stage): string {
  const saved = model.made.python
  if (saved === undefined) {
    return stage.python === undefined
      ? usualPython
      : checkLambdaPython(stage.python, model.name, stage, `is to run on Python ${stage.python}`)
  }
  const minor = saved.split('.').slice(0, 2).join('.')
  checkLambdaPython(minor, model.name, stage, `was saved with Python ${saved}`)
  if (stage.python === undefined || stage.python === minor) return minor
  throw new ThampiError('PYTHON_MISMATCH', {
    message: `${model.name} was saved with Python ${saved} but stage \`${stage.name}\` wants ${stage.python}; pickled code cannot cross Python versions.`,
    fix: `"runtime": "python${minor}" in the settings, or run your training script again under ${stage.python}`,
  })
}

function isOlder(minor: string, than: string): boolean {
  return minor.localeCompare(than, 'en', { numeric: true }) < 0
}
