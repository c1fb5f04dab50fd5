/**
 * The open-loop client: it asks at a fixed rate whatever comes back, so that a product which stalls cannot slow its
 * judge down, and it holds every answer against its question. A status of 200 proves nothing here: the answer must
 * carry the nonce of its own question, and version header, properties and computation must name the same version.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http'

/** What the model of `model.py` is asked for. */
export interface Question {
  readonly do?: 'answer' | 'sleep' | 'spin' | 'die' | 'hang' | 'eat' | 'flood'
  readonly ms?: number
  readonly mb?: number
}

/** A question and what became of it; times are `performance.now()`. */
export interface Asked {
  readonly nonce: string
  /** When it was due; waiting in our own queue counts against the product. */
  readonly due: number
  readonly sent: number
  readonly ended: number
  /** 0: there was no answer. */
  readonly status: number
  readonly version: number | undefined
  readonly verdict: 'right' | 'wrong' | 'refused' | 'lost'
  /** The problem's code, what is wrong with the answer, or how the connection ended. */
  readonly why: string
}

export interface Target {
  readonly url: string
  /** Version number → what its model calls itself. */
  readonly tags: ReadonlyMap<number, string>
  /** Deadline of the stage. */
  readonly timeoutMs: number
}

export interface LoadOptions {
  /** Questions a second. */
  readonly rate: number
  /** The n-th question; 10 ms of sleep unless said. */
  readonly question?: (n: number) => Question
}

/** An answer may come so long after the deadline and is not late yet. */
const graceMs = 2_000
/** Then nobody waits any longer. */
const patienceMs = 5_000
const tickMs = 5

let loads = 0

/** Questions under way to one target, from its making until `end`. */
export class Load {
  readonly #target: Target
  readonly #options: LoadOptions
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity })
  readonly #asked: Promise<Asked>[] = []
  readonly #name = `${++loads}`
  readonly #timer: NodeJS.Timeout
  #due = performance.now()

  constructor(target: Target, options: LoadOptions) {
    this.#target = target
    this.#options = options
    this.#timer = setInterval(() => this.#askWhatIsDue(), tickMs)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Stops asking, waits for every answer that is still to come. */
  async end(): Promise<Tally> {
    this.stop()
    const asked = await Promise.all(this.#asked)
    this.#agent.destroy()
    return new Tally(asked, this.#target.timeoutMs)
  }

  #askWhatIsDue(): void {
    for (const now = performance.now(); this.#due <= now; this.#due += 1000 / this.#options.rate) {
      const n = this.#asked.length
      const question = this.#options.question?.(n) ?? { do: 'sleep', ms: 10 }
      this.#asked.push(
        ask(this.#target, question, { nonce: `${this.#name}-${n}`, due: this.#due, agent: this.#agent }),
      )
    }
  }
}

/** Asks one question; always resolves. */
export function ask(
  target: Target,
  question: Question = {},
  {
    nonce = `${++loads}-0`,
    due = performance.now(),
    agent,
  }: { nonce?: string; due?: number; agent?: Agent } = {},
): Promise<Asked> {
  const body = JSON.stringify({ data: { nonce, ...question } })
  const headers = { 'X-Request-Id': nonce, 'Content-Type': 'application/json', 'Content-Length': body.length }
  const began = performance.now()
  return new Promise(resolve => {
    const end = (answer: Pick<Asked, 'status' | 'verdict' | 'why'>, version?: number): void =>
      resolve({ nonce, due, sent: began, ended: performance.now(), version, ...answer })
    const lost = (why: string): void => end({ status: 0, verdict: 'lost', why })
    const sent = request(target.url, { method: 'POST', headers, agent }, response => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', error => lost(`broke off: ${error.message}`))
      response.on('end', () => {
        const status = response.statusCode ?? 0
        const text = Buffer.concat(chunks).toString('utf8')
        end({ status, ...judge(target, nonce, status, response.headers, text) }, versionIn(response.headers))
      })
    })
    sent.setTimeout(target.timeoutMs + patienceMs, () => sent.destroy(new Error('no answer')))
    sent.on('error', error => lost(error.message))
    sent.end(body)
  })
}

function judge(
  { tags }: Target,
  nonce: string,
  status: number,
  headers: IncomingHttpHeaders,
  text: string,
): Pick<Asked, 'verdict' | 'why'> {
  const wrong = (why: string): Pick<Asked, 'verdict' | 'why'> => ({
    verdict: 'wrong',
    why: `${why}: ${text}`,
  })
  let answer: {
    code?: string
    properties?: { tags?: { tag: string } }
    result?: { nonce: string; tag: string }
  }
  try {
    answer = JSON.parse(text) as typeof answer
  } catch {
    return wrong(`${status} with a body that is not JSON`)
  }
  if (headers['x-request-id'] !== nonce) return wrong(`the answer to another request, not to ${nonce}`)
  if (status !== 200)
    return answer.code ? { verdict: 'refused', why: answer.code } : wrong('no problem document')
  if (answer.result?.nonce !== nonce) return wrong(`the nonce is not ${nonce}`)
  const { tag } = answer.result
  if (tag !== answer.properties?.tags?.tag) return wrong('properties of another version')
  const version = versionIn(headers)
  if (version === undefined || tag !== tags.get(version))
    return wrong(`version ${version} did not compute this`)
  return { verdict: 'right', why: '' }
}

function versionIn(headers: IncomingHttpHeaders): number | undefined {
  const text = headers['thampi-version']
  return text === undefined ? undefined : Number(text)
}

/** In words, for whoever has to find out. */
export function described(asked: readonly Asked[]): string[] {
  return asked.map(
    ({ nonce, due, ended, verdict, why }) =>
      `${nonce}: ${verdict} after ${Math.round(ended - due)} ms, ${why}`,
  )
}

/** What became of many questions. */
export class Tally {
  readonly asked: readonly Asked[]
  readonly #timeoutMs: number

  constructor(asked: readonly Asked[], timeoutMs: number) {
    this.asked = asked
    this.#timeoutMs = timeoutMs
  }

  get wrong(): string[] {
    return this.#those('wrong')
  }

  /** Answered, but not with a result. */
  get failed(): string[] {
    return this.#those('refused')
  }

  get lost(): string[] {
    return this.#those('lost')
  }

  get right(): Asked[] {
    return this.asked.filter(({ verdict }) => verdict === 'right')
  }

  get late(): string[] {
    return described(this.asked.filter(({ due, ended }) => ended - due > this.#timeoutMs + graceMs))
  }

  refusedWith(code: string): Asked[] {
    return this.asked.filter(({ verdict, why }) => verdict === 'refused' && why === code)
  }

  /** The time in which this share of the given questions was answered, in milliseconds. */
  quantile(share: number, of: readonly Asked[] = this.asked): number {
    const times = of.map(({ due, ended }) => ended - due).sort((a, b) => a - b)
    return times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
  }

  /**
   * How many times slower this was than the quiet run. Below 50 ms the quiet run says how fast the model is, and
   * nothing about the machine: a single process that starts would look like a disaster.
   */
  slowerThan(quiet: Tally, share: number): number {
    return this.quantile(share) / Math.max(50, quiet.quantile(share))
  }

  #those(verdict: Asked['verdict']): string[] {
    return described(this.asked.filter(asked => asked.verdict === verdict))
  }
}
