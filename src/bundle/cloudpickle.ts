/** Which cloudpickle reads a model: the one that wrote it. */
import type { SavedModel } from '../model/saved-model.ts'
import type { Requirements } from './requirements.ts'

export function isPickled({ format }: SavedModel): boolean {
  return format !== 'onnx'
}

/** A pickle is read by the very cloudpickle that wrote it, unless its author pinned another one. */
export function cloudpickleFor(
  model: SavedModel,
  file: Requirements,
): { readonly extra: readonly string[]; readonly notices: readonly string[] } {
  if (!isPickled(model)) return { extra: [], notices: [] }
  const saved = model.made.cloudpickle
  const listed = file.listed.filter(({ name }) => name === 'cloudpickle')
  const pinned = listed.find(item => item.pinned !== undefined)?.pinned
  if (pinned !== undefined) {
    const differs = saved !== undefined && pinned !== saved
    return {
      extra: [],
      notices: differs
        ? [`${file.shown} pins cloudpickle ${pinned}; the model was saved with ${saved}.`]
        : [],
    }
  }
  if (saved !== undefined) return { extra: [`cloudpickle==${saved}`], notices: [] }
  return { extra: listed.length > 0 ? [] : ['cloudpickle'], notices: [] }
}
