/**
 * Pages: what the gateway answers beside predictions. One table of templates such as `/v2/models/{model}/ready`;
 * whoever has something to say at a path adds a row.
 */
import type { IncomingHttpHeaders } from 'node:http'

export interface PageRequest {
  readonly requestId: string
  /** What stands in the places of the template: `{ model: 'iris' }`. */
  readonly params: Readonly<Record<string, string>>
  /** What follows the question mark, undecoded. */
  readonly query: string
  readonly headers: IncomingHttpHeaders
  /** The header of that name, when it is what the specification wants. */
  readonly traceparent?: string | undefined
  /** Empty for GET. */
  readonly body: Buffer
  /** True when nobody waits for the answer any more. */
  readonly isAbandoned: boolean
}

export interface PageAnswer {
  readonly status: number
  readonly contentType: string
  readonly body: Buffer | string
  /** Names and values in turn. */
  readonly headers?: readonly string[]
}

/** One method of one path. Nobody needs a key to see a page: one that asks a model has to look at the key itself. */
export interface Page {
  /** A path; `{name}` stands for letters, digits, `_` and `-`. It is also the page's label in the metrics. */
  readonly template: string
  /** HEAD is answered as GET without the body. */
  readonly method: 'GET' | 'POST'
  answer(request: PageRequest): PageAnswer | Promise<PageAnswer>
}

/** All pages of one path. */
export interface Place {
  readonly template: string
  /** For the header `Allow`. */
  readonly methods: readonly string[]
  readonly params: PageRequest['params']
  page(method: string): Page | undefined
}

/**
 * Gives a function from path to place. Paths without parameters are found first, then templates in the order given.
 *
 * @example
 * placesOf([{ template: '/livez', method: 'GET', answer: live }])('/livez')?.page('HEAD')
 */
export function placesOf(pages: readonly Page[]): (path: string) => Place | undefined {
  const byTemplate = new Map<string, Page[]>()
  for (const page of pages) byTemplate.set(page.template, [...(byTemplate.get(page.template) ?? []), page])
  const plain = new Map<string, Place>()
  const patterns: [RegExp, Omit<Place, 'params'>][] = []
  for (const [template, there] of byTemplate) {
    const place = placeOf(template, there)
    if (template.includes('{')) patterns.push([patternOf(template), place])
    else plain.set(template, { ...place, params: {} })
  }
  return path => {
    const known = plain.get(path)
    if (known) return known
    for (const [pattern, place] of patterns) {
      const match = pattern.exec(path)
      if (match) return { ...place, params: { ...match.groups } }
    }
    return undefined
  }
}

function placeOf(template: string, pages: readonly Page[]): Omit<Place, 'params'> {
  const byMethod = new Map<string, Page>(pages.map(page => [page.method, page]))
  const get = byMethod.get('GET')
  if (get) byMethod.set('HEAD', get)
  return { template, methods: [...byMethod.keys()].sort(), page: method => byMethod.get(method) }
}

function patternOf(template: string): RegExp {
  const parts = template.split(/(\{[a-z]+\})/).map((part, i) => {
    if (i % 2 === 1) return `(?<${part.slice(1, -1)}>[a-zA-Z0-9_-]+)`
    return part.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
  })
  return new RegExp(`^${parts.join('')}$`)
}
