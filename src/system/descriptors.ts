/** How many files and connections the system lets this process have open. */
import { readFileSync } from 'node:fs'

/** Undefined where there is no limit, or none that can be told. Node itself has raised the soft limit to the hard one. */
export function openFileLimit(): number | undefined {
  const limit = Number(process.platform === 'linux' ? fromProc() : fromReport())
  return Number.isSafeInteger(limit) ? limit : undefined
}

function fromProc(): string | undefined {
  const limits = readFileSync('/proc/self/limits', 'utf8')
  return /^Max open files\s+(\S+)/m.exec(limits)?.[1]
}

/** The diagnostic report knows it on every system that has such a limit. */
function fromReport(): unknown {
  const report = process.report.getReport() as { userLimits?: { open_files?: { soft?: unknown } } }
  return report.userLimits?.open_files?.soft
}
