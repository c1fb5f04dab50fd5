/** `thampi wrap`: a file that holds an estimator in, the directory of a saved model out. */
import { type WrapOptions, wrap } from '../../wrap.ts'
import { systemFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'
import { shellWord } from '../shell-word.ts'

export async function wrapCommand(file: string, flags: Omit<WrapOptions, 'file'>, session: Session): Done {
  const { output } = session
  const wrapped = await wrap({ file, ...flags }, systemFor(session))
  if (output.manner.json) output.document(wrapped)
  else output.result(wrapped.dir)
  const { dir, estimator, features, width, texts } = wrapped
  const asks = texts ? 'texts' : features ? features.join(', ') : width === null ? 'rows' : `rows of ${width}`
  output.hint(`${estimator} for ${asks}. Next: thampi serve --model_dir=${shellWord(dir)}`)
  return 0
}
