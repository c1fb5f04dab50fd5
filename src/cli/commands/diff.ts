/** `thampi diff`: what is different, and as with diff(1) the exit status says whether anything is. */
import { type AnswerChange, type Change, type Diff, diff } from '../../diff.ts'
import type { Difference } from '../../model/answers.ts'
import { isFraction, short } from '../../prove.ts'
import { engineFor } from '../engine.ts'
import type { Output } from '../output.ts'
import { plainText } from '../plain-text.ts'
import type { Done, Session } from '../session.ts'

/** `--json` has them all. */
const shown = 10

export async function diffCommand(a: string, b: string, session: Session): Done {
  const { output } = session
  const found = await diff(a, b, await engineFor(session))
  if (output.manner.json) output.document(documentOf(found))
  else for (const line of linesOf(found, output)) output.result(plainText(line))
  return found.isSame ? 0 : 1
}

function documentOf({ a, b, properties, packages, code, answers, isSame }: Diff): object {
  const largest = answers.largest && { delta: answers.largest.delta, path: answers.largest.path }
  const { compared, changed } = answers
  return {
    ...{ a, b, same: isSame, properties, packages: packages ?? null, code: code ?? null },
    answers: { compared, differing: changed.length, largest: largest ?? null, changed },
  }
}

function linesOf({ a, b, properties, packages, code, answers, isSame }: Diff, output: Output): string[] {
  const none = (known: boolean): string => (known ? 'the same' : 'not known on both sides')
  const section = (title: string, lines: readonly string[], known = true): string[] =>
    lines.length === 0 ? [`${title}: ${none(known)}`] : [`${title}:`, ...lines.map(line => `  ${line}`)]
  return [
    `${a} → ${b}${isSame ? ': no difference' : ''}`,
    ...section('properties', properties.map(changeLine)),
    ...section('packages', (packages ?? []).map(changeLine), packages !== undefined),
    ...section('code', (code ?? []).map(codeLine), code !== undefined),
    `answers: ${answersSentence(answers)}`,
    ...limited(answers.changed.flatMap(answerLines), output).map(line => `  ${line}`),
  ]
}

function changeLine({ name, a, b }: Change): string {
  return `${name}: ${a ?? 'none'} → ${b ?? 'none'}`
}

function codeLine({ name, a, b }: Change): string {
  return `${a === undefined ? '+' : b === undefined ? '-' : '~'} ${name}`
}

/** `3 of 50 differ; largest Δ 0.04 at result.probability` */
function answersSentence({ compared, changed, largest }: Diff['answers']): string {
  if (compared === 0) return 'no recorded example to compare them with (thampi examples add)'
  if (changed.length === 0)
    return compared === 1 ? 'the one example has the same' : `all ${compared} examples have the same`
  const delta = largest ? `; largest Δ ${short(largest.delta)} at ${largest.path}` : ''
  return `${changed.length} of ${compared} differ${delta}`
}

function answerLines({ data, differences }: AnswerChange): string[] {
  const input = data.length > 60 ? `${data.slice(0, 59)}…` : data
  return differences.map(difference => `${input}: ${differenceText(difference)}`)
}

function differenceText({ path, recorded, got, delta }: Difference): string {
  return `${path} ${recorded} → ${got}${isFraction(recorded, got) ? ` (Δ ${short(delta)})` : ''}`
}

function limited(lines: readonly string[], { manner }: Output): string[] {
  if (manner.verbose || lines.length <= shown) return [...lines]
  return [...lines.slice(0, shown), `and ${lines.length - shown} more (--verbose shows them)`]
}
