/** The requirements of a model whose author named no dependency file: what was observed when it was saved. */
import { ThampiError } from '../errors.ts'
import type { SavedModel } from '../model/saved-model.ts'
import { normalName } from './requirement-lines.ts'
import type { Requirements } from './requirements.ts'

/** What loads a model of these formats, beside what it says itself. */
const loaders: Partial<Readonly<Record<SavedModel['format'], readonly string[]>>> = { onnx: ['onnxruntime'] }

/**
 * The packages that the model's pickle names, in the versions that it was saved with. What those need in turn is found
 * by whoever resolves them.
 *
 * @throws ThampiError MODULE_MISSING when nothing was observed
 * @example
 * recordedRequirements(model).files[0]?.text // 'numpy==2.4.6\nscikit-learn==1.9.1\n'
 */
export function recordedRequirements(model: SavedModel): Requirements {
  const observed = new Map(
    Object.values(model.made.packages).map(({ distribution, version }) => [
      normalName(distribution),
      version,
    ]),
  )
  observed.delete('thampi')
  const lines = [...observed].map(([name, version]) => `${name}==${version}`)
  for (const name of loaders[model.format] ?? []) if (!observed.has(name)) lines.push(name)
  if (lines.length === 0 && model.made.python === undefined) throw nothingKnown(model)
  lines.sort()
  const shown = 'what was installed when the model was saved'
  return {
    shown,
    files: [
      { name: 'requirements.txt', shown, constraint: false, text: lines.map(line => `${line}\n`).join('') },
    ],
    listed: lines.map(line => {
      const [name = '', pinned] = line.split('==')
      return { name, pinned }
    }),
    count: lines.length,
    hashed: false,
    local: [],
    extra: [],
    notices: [
      lines.length === 0
        ? 'No dependency file: the model names no package.'
        : `No dependency file: packing ${lines.join(', ')} and what ${lines.length === 1 ? 'it needs' : 'they need'}.`,
    ],
  }
}

function nothingKnown(model: SavedModel): ThampiError {
  return new ThampiError('MODULE_MISSING', {
    message: `Nothing says which packages ${model.name} needs.`,
    why: 'No dependency file was given, and the model does not tell what it was saved with.',
    fix: 'pip freeze > requirements.txt   # where it was trained; then add: --dependency_file requirements.txt',
  })
}
