/**
 * Pages of the documentation as a reader follows them. A comment above a fenced block marks what it is:
 *
 *     <!-- run -->                           commands that are executed as they stand
 *     <!-- run, answers: one | two -->       the same, with these lines typed when they ask
 *     <!-- prints -->                        what the commands before it show; lines may be left out
 *     <!-- file: train.py -->                a file that the reader writes
 */
import { readFileSync } from 'node:fs'

export type Step =
  | { readonly kind: 'run'; readonly commands: string; readonly answers: readonly string[] }
  | { readonly kind: 'prints'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string; readonly text: string }

const marked = /^<!-- (run|prints|file)(?:, answers: (.*?)|: (.*?))? -->\n```[a-z]*\n(.*?)^```$/gms

/** The marked blocks of a page, in order. */
export function stepsOf(page: string): Step[] {
  const text = readFileSync(page, 'utf8')
  return [...text.matchAll(marked)].map(([, kind, answers, path = '', content = '']): Step => {
    if (kind === 'file') return { kind, path, text: content }
    if (kind === 'prints') return { kind, text: content }
    return { kind: 'run', commands: content, answers: answers?.split('|').map(answer => answer.trim()) ?? [] }
  })
}

/**
 * Text without what differs from run to run and from machine to machine. Sizes do: `pip freeze` names the place of the
 * wheel, and so the requirements file is as long as the path of the repository makes it.
 */
export function withoutChance(text: string): string {
  return text
    .replace(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/g, 'ID')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?/g, 'TIME')
    .replace(/127\.0\.0\.1:\d+/g, 'ADDRESS')
    .replace(/using \S+ \(Python [\d.]+\)/g, 'using PYTHON')
    .replace(/\b\d+ packages?\b/g, 'N packages')
    .replace(/\d+(\.\d+)? (bytes|kB|MB)\b/g, 'SIZE')
    .replace(/\d+\.\d+ s\b/g, 'N s')
    .replace(/\[\d{13}\]/g, '[MS]')
    .replace(/\d+(\.\d+)? ms/g, 'N ms')
    .replace(/with (pip|uv)\b/g, 'with INSTALLER')
    .replace(/sandbox \d+/g, 'sandbox PID')
    .replace(/\[[0-9A-Z]{26}\]/g, '[REQUEST]')
    .replace(/'thampi-[a-z0-9]{9}'/g, "'thampi-RANDOM'")
    .replace(/python3\.\d+/g, 'python3.N')
    .replace(/(?<=its log, )\S+/g, 'PATH')
    .replace(/(?<=Locally:)\S+/g, 'PATH')
}
