/** `thampi doctor`: a table of what was checked, and what would mend it. */
import { type Check, doctor } from '../../doctor.ts'
import { folded, pageWidth } from '../columns.ts'
import { systemFor } from '../engine.ts'
import type { Style } from '../output.ts'
import type { Done, Session } from '../session.ts'

const marks = {
  ok: ['ok  ', 'green'],
  warn: ['warn', 'yellow'],
  fail: ['FAIL', 'red'],
} as const satisfies Record<Check['state'], readonly [string, Style]>

export async function doctorCommand(session: Session): Done {
  const { output } = session
  const checks = await doctor({ ...systemFor(session), tell: () => {} })
  const healthy = checks.every(check => check.state !== 'fail')
  if (output.manner.json) {
    output.document({ healthy, checks })
    return healthy ? 0 : 1
  }
  const names = Math.max(...checks.map(check => check.name.length))
  const indent = ' '.repeat(names + 8)
  for (const { state, name, found, fix } of checks) {
    const [mark, style] = marks[state]
    const words = folded(found, pageWidth - indent.length)
    const fixes = fix === undefined ? [] : folded(`Fix: ${fix}`, pageWidth - indent.length)
    output.result(
      `${output.onOut(style, mark)}  ${name.padEnd(names)}  ${[...words, ...fixes].join(`\n${indent}`)}`,
    )
  }
  return healthy ? 0 : 1
}
