/** `thampi doctor --live`: two tables, how long things took and what was found, and what is left. */
import { examine, type LiveReport } from '../../live.ts'
import { folded, pageWidth } from '../columns.ts'
import { engineFor } from '../engine.ts'
import type { Output } from '../output.ts'
import { plainText } from '../plain-text.ts'
import { errorDocument, report } from '../report.ts'
import type { Done, Session } from '../session.ts'

export async function liveCommand(stage: string, session: Session): Done {
  const { output } = session
  const found = await examine(stage, { signal: session.interrupts() }, await engineFor(session))
  const isRight = found.findings.every(({ asAssumed }) => asAssumed !== false) && found.residue.length === 0
  if (output.manner.json) {
    output.document(documentOf(found))
    return found.error?.exit ?? (isRight ? 0 : 1)
  }
  for (const line of pageOf(found, output)) output.result(plainText(line))
  if (found.error !== undefined) return report(found.error, output)
  return isRight ? 0 : 1
}

function documentOf({ notLookedAt, timings, findings, error, ...rest }: LiveReport): object {
  return {
    ...rest,
    timings: timings.map(({ step, ms }) => ({ step, seconds: Number((ms / 1000).toFixed(3)) })),
    findings: findings.map(({ id, assumed, asAssumed, seen }) => ({
      id,
      assumed,
      as_assumed: asAssumed ?? null,
      seen,
    })),
    not_looked_at: notLookedAt,
    ...(error === undefined ? {} : (errorDocument(error) as object)),
  }
}

function pageOf(found: LiveReport, output: Output): string[] {
  const { stage, model, region, timings, findings, residue, left, notLookedAt } = found
  const width = Math.max(0, ...timings.map(({ step }) => step.length))
  const ids = Math.max(0, ...findings.map(({ id }) => id.length))
  const indent = ' '.repeat(ids + 15)
  return [
    output.onOut('bold', `${model}, stage ${stage}, in ${region}`),
    ...timings.map(({ step, ms }) => `  ${step.padEnd(width)}  ${(ms / 1000).toFixed(2).padStart(7)} s`),
    ...(findings.length === 0 ? [] : ['']),
    ...findings.flatMap(({ id, assumed, asAssumed, seen }) => {
      const [mark, style] =
        asAssumed === undefined
          ? (['not seen ', 'yellow'] as const)
          : asAssumed
            ? (['as said  ', 'green'] as const)
            : (['DIFFERENT', 'red'] as const)
      const words = asAssumed === true ? [seen] : [assumed, `Seen: ${seen}`]
      const lines = words.flatMap(text => folded(text, pageWidth - indent.length))
      return [
        `  ${output.onOut(style, mark)}  ${id.padEnd(ids)}  ${lines.map((line, at) => (at === 0 ? line : `${indent}${line}`)).join('\n')}`,
      ]
    }),
    ...(findings.length === 0 ? [] : ['', ...folded(`Not looked at: ${notLookedAt.join('; ')}.`, pageWidth)]),
    '',
    ...(residue.length === 0
      ? [output.onOut('green', 'Nothing is left: every service was asked.')]
      : [output.onOut('red', 'Left behind:'), ...residue.map(thing => `  ${thing}`)]),
    ...left.map(thing => `Stays: ${thing}`),
  ]
}
