/** `thampi examples`: the recorded inputs and answers of a saved model. */
import { addExample, listExamples, removeExamples } from '../../examples.ts'
import type { Receipt } from '../../model/saved-model.ts'
import { systemFor } from '../engine.ts'
import { jsonArgument } from '../json-argument.ts'
import { plainText } from '../plain-text.ts'
import type { Done, Session } from '../session.ts'
import { shellWord } from '../shell-word.ts'
import { usage } from '../usage.ts'

interface ExamplesFlags {
  readonly data?: string
  readonly result?: string
  readonly python?: string
  readonly all?: true
}

export async function examplesCommand(
  action: string,
  modelDir: string,
  numbers: readonly string[],
  flags: ExamplesFlags,
  session: Session,
): Done {
  if (action !== 'remove' && numbers.length > 0) {
    throw usage(
      `thampi examples ${action} takes a directory and nothing else.`,
      `thampi examples ${action} ${modelDir}`,
    )
  }
  if (action === 'add') await add(modelDir, flags, session)
  else if (action === 'list') await list(modelDir, session)
  else await remove(modelDir, numbers, flags, session)
  return 0
}

async function add(modelDir: string, flags: ExamplesFlags, session: Session): Promise<void> {
  const { output } = session
  const command = `thampi examples add ${shellWord(modelDir)}`
  const data = await jsonArgument('--data', flags.data, command)
  const result =
    flags.result === undefined ? undefined : await jsonArgument('--result', flags.result, command)
  const options = { data, result, python: flags.python }
  const { number, receipt, replaced, count } = await addExample(modelDir, options, systemFor(session))
  if (output.manner.json) output.result(`{"example":${number},"count":${count},${membersOf(receipt)}}`)
  else output.result(receipt.result ?? 'null')
  output.hint(
    replaced
      ? `Example ${number} was recorded before; its answer is the new one now.`
      : `Example ${number} is recorded. Next: thampi serve --model_dir=${shellWord(modelDir)}`,
  )
}

/** The model's own JSON goes out as it is: 1.0 must stay 1.0. */
async function list(modelDir: string, session: Session): Promise<void> {
  const { output } = session
  const receipts = await listExamples(modelDir, systemFor(session))
  if (output.manner.json) {
    output.result(
      `[${receipts.map((receipt, i) => `\n  {"example":${i + 1},${membersOf(receipt)}}`).join(',')}\n]`,
    )
    return
  }
  if (receipts.length === 0) output.hint('No example is recorded.')
  const width = String(receipts.length).length
  receipts.forEach(({ data, result }, i) => {
    output.result(`${String(i + 1).padStart(width)}  ${short(data)}  →  ${short(result ?? 'any answer')}`)
  })
}

async function remove(
  modelDir: string,
  numbers: readonly string[],
  flags: ExamplesFlags,
  session: Session,
): Promise<void> {
  const { output } = session
  const command = `thampi examples remove ${shellWord(modelDir)}`
  if (numbers.length === 0 && !flags.all) throw usage(`${command} needs numbers, or --all.`, `${command} 2`)
  const which = flags.all ? 'all' : numbers.map(text => numberOf(text, command))
  const left = await removeExamples(modelDir, which, systemFor(session))
  if (output.manner.json) output.document({ count: left })
  output.hint(left === 1 ? '1 example is left.' : `${left} examples are left.`)
}

function numberOf(text: string, command: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw usage(`"${text}" is not the number of an example.`, `${command} 2`)
}

function membersOf({ data, result }: Receipt): string {
  return `"data":${data},"result":${result ?? 'null'}`
}

const longest = 72

function short(json: string): string {
  const text = plainText(json)
  return text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
}
