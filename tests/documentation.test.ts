/** Pages stay true to the repository: links lead somewhere, files that are named exist, every problem of HTTP is listed. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join } from 'node:path'
import { expect, it } from 'vitest'
import { problemCodes } from '../src/gateway/problem.ts'

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'benchmarks/PACKAGING.md',
  'benchmarks/REASONS.md',
  'benchmarks/RESULTS.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.md'))
    .map(path => join('docs', path)),
]

it.each(pages)('%s links to pages and headings that exist', page => {
  const broken = linksOf(page).filter(link => {
    const [path, heading] = link.split('#') as [string, string?]
    const target = path === '' ? page : join(dirname(page), path)
    return !existsSync(target) || (heading !== undefined && !headingsOf(target).includes(heading))
  })
  expect(broken).toEqual([])
})

it.each(pages)('%s names files of this repository that exist', page => {
  const named = [...text(page).matchAll(/`((?:src|tests|contract|python|scripts|examples|docs)\/[\w./-]+)`/g)]
  expect(
    named.map(([, path]) => path as string).filter(path => !/[A-Z]{4}/.test(path) && !existsSync(path)),
  ).toEqual([])
})

it('the pages are all reachable from the README', () => {
  const reached = new Set<string>()
  const visit = (page: string): void => {
    if (reached.has(page)) return
    reached.add(page)
    for (const link of linksOf(page)) {
      const target = join(dirname(page), link.split('#')[0] as string)
      if (target.endsWith('.md')) visit(target)
      else if (target.startsWith('docs/') && extname(target) === '')
        for (const name of readdirSync(target)) visit(join(target, name))
    }
  }
  visit('README.md')
  expect([...reached].sort()).toEqual([...pages].sort())
})

it('docs/reference/http.md lists every problem with its status', () => {
  const rows = [...text('docs/reference/http.md').matchAll(/^\| (\d{3}) \| `([a-z0-9-]+)` \|/gm)]
  const listed = rows.map(([, status, code]) => `${status} ${code}`)
  expect(listed.sort()).toEqual([...new Set([...problemsOfTheGateway(), ...problemsOfTheRuntime()])].sort())
})

function problemsOfTheGateway(): string[] {
  return Object.entries(problemCodes).map(([code, { status }]) => `${status} ${code}`)
}

function problemsOfTheRuntime(): string[] {
  const catalogue = text('python/src/thampi/runtime/problem.py')
  return [...catalogue.matchAll(/^ {4}"([a-z0-9-]+)": \((\d{3}),/gm)].map(
    ([, code, status]) => `${status} ${code}`,
  )
}

/** Links to places in this repository. */
function linksOf(page: string): string[] {
  const prose = text(page).replace(/^```.*?^```$/gms, '')
  return [...prose.matchAll(/\]\(([^)]+)\)/g)]
    .map(([, link]) => link as string)
    .filter(link => !/^[a-z]+:/.test(link))
}

/** The anchors that a page offers, made of its headings as code hosts make them. */
function headingsOf(page: string): string[] {
  return [...text(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    (heading as string)
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function text(path: string): string {
  return readFileSync(path, 'utf8')
}
