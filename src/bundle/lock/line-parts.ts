/** What stands in one line of a dependency file: options, places, addresses. */
import { realpathSync } from 'node:fs'
import { resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export function withoutComment(joined: string): string {
  return joined.replace(/(^|\s+)#.*$/s, '').trim()
}

export function withoutOptions(text: string): string {
  return text.replace(/\s--?[a-z].*$/is, '').trim()
}

const VERSION = '(?:===|~=|==|!=|<=|>=|<|>)\\s*[A-Za-z0-9][\\w.*+!-]*'
/** A name with versions, without a condition. */
export const REQUIREMENT: RegExp = new RegExp(
  `^[A-Za-z0-9][\\w.-]*\\s*(?:\\[[\\w\\s,.-]*\\])?\\s*(?:${VERSION}(?:\\s*,\\s*${VERSION})*,?|\\(\\s*${VERSION}(?:\\s*,\\s*${VERSION})*\\s*\\))?$`,
)

/** A line may hold several options; none of them gets past us behind another. */
export function optionsIn(text: string): { option: string; value: string }[] {
  return text.split(/\s+(?=-)/).map(part => {
    const [, short, long, value = ''] =
      /^(?:(-[A-Za-z])|(--[\w-]+))(?:\s*=\s*|\s+|(?=\S)|$)(.*)$/s.exec(part) ?? []
    return { option: short ?? long ?? part, value: value.trim().replace(/^(["'])(.*)\1$/s, '$2') }
  })
}

export function isRepository(url: string): boolean {
  return /^(git|hg|svn|bzr)(\+|:)/i.test(url) || /^[\w.-]+@[\w.-]+:/.test(url)
}

export function pathOf(place: string, cwd: string): string {
  if (!/^file:\/\//i.test(place)) return resolve(cwd, place.replace(/^file:/i, ''))
  try {
    return fileURLToPath(place.replace(/[?#].*$/s, ''))
  } catch {
    return resolve(cwd, place.slice('file://'.length))
  }
}

/** Links are followed: what counts is where the files are. */
export function isInside(path: string, dir: string): boolean {
  try {
    const root = realpathSync(dir)
    const there = realpathSync(path)
    return there === root || there.startsWith(root.endsWith(sep) ? root : root + sep)
  } catch {
    return false
  }
}

export function hasUser(url: string): boolean {
  return /^[a-z+]+:\/\/[^/@\s]+@/i.test(url)
}

export function withoutUser(url: string): string {
  return url.replace(/:\/\/[^/@\s]*@/, '://').replace(/\?[^#]*/, '')
}
