/** What functions print, in CloudWatch Logs: one group a function, one stream a version, an event a line. */
import { randomBytes } from 'node:crypto'
import type { Fn, Version } from '../lambda/function.ts'
import type { Lambda } from '../lambda/lambda.ts'
import type { Moto } from '../moto.ts'
import type { MayDo } from '../permissions.ts'

export class FunctionLogs {
  readonly #moto: Moto
  /** What a role may not write is silently lost, as in Lambda. */
  readonly #may: MayDo
  /** Writing goes on in the order of printing. */
  #writing: Promise<void> = Promise.resolve()

  constructor(moto: Moto, may: MayDo) {
    this.#moto = moto
    this.#may = may
  }

  /** Takes what one version prints, in pieces of any size. */
  of({ around: { region, account } }: Lambda, fn: Fn, version: Version): (text: string) => void {
    const { LoggingConfig } = version.settings
    const group = LoggingConfig?.LogGroup ?? `/aws/lambda/${fn.name}`
    const day = new Date().toISOString().slice(0, 10).replaceAll('-', '/')
    const stream = `${day}/[${version.number}]${randomBytes(16).toString('hex')}`
    const isJson = LoggingConfig?.LogFormat === 'JSON'
    const asked = { logGroupName: group, logStreamName: stream }
    const ask = async (action: string, document: object): Promise<void> => {
      const about = action === 'CreateLogGroup' ? '' : `:log-stream:${stream}`
      const resource = `arn:aws:logs:${region}:${account}:log-group:${group}${about}`
      if (await this.#may(version.settings.Role ?? '', `logs:${action}`, resource))
        await this.#ask(region, action, document)
    }
    this.#then(() => ask('CreateLogGroup', { logGroupName: group }))
    this.#then(() => ask('CreateLogStream', asked))
    let rest = ''
    return text => {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop() ?? ''
      const timestamp = Date.now()
      const messages = lines.filter(line => line !== '').map(line => (isJson ? asJson(line) : `${line}\n`))
      const logEvents = messages.filter(Boolean).map(message => ({ timestamp, message }))
      if (logEvents.length === 0) return
      this.#then(() => ask('PutLogEvents', { ...asked, logEvents }))
    }
  }

  /** Resolves when everything that was printed so far can be read. */
  async written(): Promise<void> {
    await this.#writing
  }

  #then(work: () => Promise<void>): void {
    this.#writing = this.#writing.then(work)
  }

  /** A group that is there already is none of our business. */
  async #ask(region: string, action: string, document: object): Promise<void> {
    await this.#moto.ask('logs', region, {
      method: 'POST',
      path: '/',
      headers: { 'x-amz-target': `Logs_20140328.${action}`, 'content-type': 'application/x-amz-json-1.1' },
      body: JSON.stringify(document),
    })
  }
}

/** A line when the function asked for JSON: those of Lambda itself and of Node's console become documents. */
function asJson(line: string): string | undefined {
  const printed = /^(\d{4}-\S+Z)\t(\S+)\t([A-Z]+)\t(.*)$/s.exec(line)
  if (printed) {
    const [, timestamp, requestId, level, text = ''] = printed
    return JSON.stringify({ timestamp, level, requestId, message: parsed(text) })
  }
  const [, verb, requestId] = /^(START|END|REPORT) RequestId: (\S+)/.exec(line) ?? []
  if (verb === undefined) return line
  const time = new Date().toISOString()
  if (verb === 'END') return undefined
  if (verb === 'START') {
    const [, version] = /Version: (\S+)/.exec(line) ?? []
    return JSON.stringify({ time, type: 'platform.start', record: { requestId, version } })
  }
  const figure = (name: string): number | undefined => {
    const [, value] = new RegExp(`${name}: ([\\d.]+)`).exec(line) ?? []
    return value === undefined ? undefined : Number(value)
  }
  const metrics = {
    durationMs: figure('\tDuration'),
    billedDurationMs: figure('Billed Duration'),
    memorySizeMB: figure('Memory Size'),
    maxMemoryUsedMB: figure('Max Memory Used'),
    initDurationMs: figure('Init Duration'),
  }
  return JSON.stringify({ time, type: 'platform.report', record: { requestId, metrics, status: 'success' } })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
