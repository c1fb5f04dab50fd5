/** A day of who operates a stage: keys, health, metrics, status, logs. Through the command line and over HTTP. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { project } from '../support/journey.ts'

const training = `
import logging
import os
import thampi

class Says(thampi.Model):
    def predict(self, args, context):
        logging.getLogger('says').debug('looking at it')
        print('got %s' % (args,))
        if args == 'raise':
            raise ValueError('in ' + __file__ + ' with ' + os.environ['TOKEN'] + ' of ' + os.path.expanduser('~'))
        if args == 'refuse':
            raise thampi.BadInput('no ' + os.environ['TOKEN'])
        if args == 'die':
            os._exit(3)
        if args == 'forge':
            print('\\x1b[2J\\x1b]0;owned\\x07\\x9b31m' + '2026-11-23 host ERROR forged\\r[1] forged')
        return args

thampi.save(Says(), 'says', './models')
`

const settings = {
  dev: { project_name: 'says', environment_variables: { TOKEN: 'token-1234567890' } },
  closed: { extends: 'dev', api_key_required: true },
  production: { extends: 'dev', timeout_seconds: 1 },
}

describe('operating', () => {
  const shop = project()
  let base = ''

  beforeAll(async () => {
    shop.write('train.py', training)
    shop.write('zappa_settings.json', JSON.stringify(settings))
    await shop.python(['train.py'])
    const { status, out, err } = await shop.thampi(['serve', 'dev'])
    expect({ status, err }).toMatchObject({ status: 0 })
    base = new URL(out.trim()).origin
  })

  const post = (stage: string, data: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${base}/${stage}/says/predict`, { method: 'POST', body: JSON.stringify({ data }), headers })

  const lines = async (...flags: string[]): Promise<Record<string, unknown>[]> => {
    const { status, out, err } = await shop.thampi(['logs', ...flags])
    expect({ status, err }).toEqual({ status: 0, err: '' })
    return out
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line) as Record<string, unknown>)
  }

  describe('a stage with keys', () => {
    let key = ''

    it('has its key before it is first served, shown once and alone', async () => {
      const { status, out, err } = await shop.thampi(['keys', 'create', 'closed', 'billing'])
      expect({ status, lines: out.split('\n').length }).toEqual({ status: 0, lines: 2 })
      expect(out).toMatch(/^thampi_[A-Za-z0-9_-]{43}\n$/)
      expect(err).toContain('the only time the key is shown')
      key = out.trim()
      expect((await shop.thampi(['serve', 'closed'])).status).toBe(0)
      expect((await post('closed', 1)).status).toBe(401)
      expect((await post('closed', 1, { 'x-api-key': key })).status).toBe(200)
      expect((await post('dev', 1)).status).toBe(200)
    })

    it('answers its owner, who may also try a key', async () => {
      expect((await shop.thampi(['predict', 'closed', '--data', '1'])).status).toBe(0)
      const ask = (THAMPI_API_KEY: string): ReturnType<typeof shop.thampi> =>
        shop.thampi(['predict', 'closed', '--data', '1'], { env: { THAMPI_API_KEY } })
      expect((await ask(key)).status).toBe(0)
      const refused = await ask('thampi_wrong')
      expect(refused.status).toBe(1)
      expect(refused.err).toContain('The API key of the request is not one of this stage.')
      expect(refused.err).not.toContain('thampi_wrong')
      const broken = await ask('thampi_\nwrong')
      expect(broken.status).toBe(2)
      expect(broken.err).not.toContain('wrong')
    })

    it('lists names, and takes keys back', async () => {
      const twice = await shop.thampi(['keys', 'create', 'closed', 'billing'])
      expect(twice).toMatchObject({ status: 5, out: '' })
      const second = await shop.thampi(['keys', 'create', 'closed', 'shop', '--json'])
      expect(JSON.parse(second.out)).toMatchObject({ name: 'shop' })
      const listed = await shop.thampi(['keys', 'list', 'closed'])
      expect(listed.out).toMatch(/^billing {2}20\d\d-.*\nshop {5}20\d\d-.*\n$/)
      expect(await shop.thampi(['keys', 'revoke', 'closed', 'billing'])).toMatchObject({
        status: 0,
        out: 'Done!\n',
      })
      expect((await post('closed', 1, { 'x-api-key': key })).status).toBe(401)
      expect(await shop.thampi(['keys', 'revoke', 'closed', 'billing'])).toMatchObject({ status: 4 })
      expect((await shop.thampi(['keys', 'create', 'closed', 'a b'])).status).toBe(2)
    })

    it('is open again when its settings say so, which keys create points out', async () => {
      const { err } = await shop.thampi(['keys', 'create', 'dev'])
      expect(err).toContain('dev answers without a key as well')
    })

    it('leaves its keys in no file', async () => {
      for (const entry of readdirSync(shop.home, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue
        const path = join(entry.parentPath, entry.name)
        expect(readFileSync(path).includes(key.slice('thampi_'.length)), path).toBe(false)
      }
    })
  })

  it('health and metrics need no key, and say nothing secret', async () => {
    for (const path of ['/livez', '/readyz', '/healthz', '/health', '/ping', '/-/status', '/metrics']) {
      const response = await fetch(base + path)
      expect(response.status, path).toBe(200)
      expect(await response.text(), path).not.toMatch(/token-|thampi_[A-Za-z0-9_-]{43}|\/home|\/tmp/)
      expect((await fetch(base + path, { method: 'HEAD' })).status, path).toBe(200)
      expect((await fetch(base + path, { method: 'POST' })).status, path).toBe(405)
    }
  })

  it('metrics are in the format that Prometheus reads, and count what was asked', async () => {
    await post('dev', 1)
    const response = await fetch(`${base}/metrics`)
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
    const families = readMetrics(await response.text())
    const mine = 'stage="dev",model="says",version="1",runtime="python"'
    expect(families.get('thampi_predict_requests_total')?.get(`{${mine},outcome="ok"}`)).toBeGreaterThan(0)
    expect(families.get('thampi_model_load_seconds_count')?.get(`{${mine}}`)).toBeGreaterThan(0)
    const before = families.get('thampi_predict_duration_seconds_count')?.get(`{${mine}}`) ?? 0
    await Promise.all([post('dev', 1), post('dev', 2), post('dev', 3)])
    const after = readMetrics(await (await fetch(`${base}/metrics`)).text())
    expect(after.get('thampi_predict_duration_seconds_count')?.get(`{${mine}}`)).toBe(before + 3)
  })

  it('status shows what happens, for people and for programs', async () => {
    await post('dev', 1)
    const { status, out } = await shop.thampi(['status', 'dev'])
    expect(status).toBe(0)
    expect(out).toMatch(/^dev\/says is READY\nhttp:/)
    expect(out).toMatch(/Last 10 minutes: \d+ requests, \d+ errors/)
    expect(out).toMatch(/^ +1 {2}100 % {2}READY/m)
    expect(out.split('\n').filter(line => line.length > 80)).toEqual([])
    const document = JSON.parse((await shop.thampi(['status', 'dev', '--json'])).out) as {
      versions: { requests: number; p50_ms: number; requests_by_10_seconds: number[]; sandboxes: object[] }[]
    }
    expect(document).toMatchObject({ stage: 'dev', state: 'READY' })
    const [version] = document.versions
    expect(version?.requests).toBeGreaterThan(0)
    expect(version?.p50_ms).toBeGreaterThan(0)
    expect(version?.requests_by_10_seconds.reduce((a, b) => a + b)).toBe(version?.requests)
    expect(version?.sandboxes[0]).toMatchObject({ pid: expect.any(Number), memory_mb: expect.any(Number) })
    expect((await shop.thampi(['status', 'production'])).status).toBe(4)
  })

  describe('logs', () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'

    beforeAll(async () => {
      await post('dev', 'forge', {
        'X-Request-Id': 'my-own',
        traceparent: `00-${trace}-00f067aa0ba902b7-01`,
      })
      await post('dev', 'raise', { 'X-Request-Id': 'my-error' })
      while ((await lines('dev', '--request-id', 'my-error', '--http')).length === 0) await sleep(100)
    })

    it('are one document a line into a pipe', async () => {
      const found = await lines('dev', '--request-id', 'my-own', '--http')
      expect(found).toEqual([
        {
          time: expect.any(Number),
          level: 'INFO',
          source: 'http',
          message: expect.stringMatching(/^POST \/dev\/says\/predict 200 /),
          version: 1,
          request_id: 'my-own',
          trace_id: trace,
        },
      ])
    })

    it('are narrowed by all that is asked', async () => {
      const all = await lines('dev', '--request-id', 'my-error')
      expect(new Set(all.map(({ request_id }) => request_id))).toEqual(new Set(['my-error']))
      const urgent = await lines('dev', '--request-id', 'my-error', '--level', 'error')
      expect(urgent.length).toBeLessThan(all.length)
      expect(new Set(urgent.map(({ level }) => level))).toEqual(new Set(['ERROR']))
      expect(await lines('dev', '--request-id', 'my-error', '--level', 'ERROR', '--http')).toHaveLength(1)
      expect(await lines('dev', '--version', '1', '--request-id', 'my-error')).toEqual(all)
      expect(await lines('dev', '--version', '2')).toEqual([])
      const debug = await lines('dev', '--level', 'DEBUG', '--filter', 'looking at it')
      expect(debug.length).toBeGreaterThan(0)
      expect(await lines('dev', '--level', 'INFO', '--filter', 'looking at it')).toEqual([])
    })

    it('belong to their trace, what the model printed included', async () => {
      const printed = (await lines('dev', '--non-http', '--request-id', 'my-own')).filter(
        ({ source }) => source === 'model',
      )
      expect(printed.length).toBeGreaterThan(0)
      expect(new Set(printed.map(({ trace_id }) => trace_id))).toEqual(new Set([trace]))
    })

    it('cannot be made to steer a terminal, or to look like somebody else', async () => {
      const people = await shop.thampi([
        'logs',
        'dev',
        '--request-id',
        'my-own',
        '--force-color',
        '--no-color',
      ])
      const zappas = await shop.thampi(['tail', 'dev', '--request-id', 'my-own'])
      const json = await shop.thampi(['logs', 'dev', '--request-id', 'my-own', '--json'])
      for (const { out } of [people, zappas, json]) {
        expect(out).toContain('forged')
        expect(out.replace(/\x1b\[\d*m/g, '')).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/)
      }
      for (const line of people.out.split('\n').filter(line => line.includes('forged')))
        expect(line.replace(/\x1b\[\d*m/g, '')).toMatch(/^\d\d-\d\d \d\d:\d\d:\d\d model /)
      for (const line of zappas.out.split('\n').filter(Boolean)) expect(line).toMatch(/^\[\d{13}\] /)
    })
  })

  it('a terse stage keeps to itself what went wrong inside', async () => {
    expect((await shop.thampi(['serve', 'production'])).status).toBe(0)
    const bodies: string[] = []
    const told = async (response: Response): Promise<number> => {
      bodies.push(await response.text())
      return response.status
    }
    expect(await told(await post('production', 'raise'))).toBe(500)
    expect(await told(await post('production', 'die'))).toBe(502)
    expect(await told(await fetch(`${base}/production/says/predict`))).toBe(405)
    expect(await told(await fetch(`${base}/production/other/predict`, { method: 'POST' }))).toBe(404)
    expect(await told(await fetch(`${base}/production/says@9/predict`, { method: 'POST', body: '{}' }))).toBe(
      404,
    )
    expect(await told(await fetch(`${base}/production/says/predict`, { method: 'POST', body: '{' }))).toBe(
      400,
    )
    expect(await told(await post('closed', 1))).toBe(401)
    const secrets = [
      shop.home,
      shop.dir,
      process.env.HOME ?? '',
      'token-',
      process.version,
      String(process.pid),
    ]
    for (const body of bodies) {
      for (const secret of secrets) if (secret !== '' && secret !== '/') expect(body).not.toContain(secret)
      expect(body).not.toMatch(/Traceback|File "|\.py:\d+|\.m?[jt]s:\d+|^\s+at /m)
    }
  })
})

describe.skipIf(process.platform === 'win32')('what is kept on the machine', () => {
  const shop = project()

  it('is for its owner alone, whatever the shell lets others do', async () => {
    shop.write('train.py', training)
    shop.write('zappa_settings.json', JSON.stringify(settings))
    await shop.python(['train.py'])
    const served = await shop.run('bash', ['-c', 'umask 000; thampi serve dev && thampi keys create dev'])
    expect(served.status, served.err).toBe(0)
    expect((await shop.thampi(['predict', 'dev', '--data', '1'])).status).toBe(0)
    const open = readdirSync(shop.home, { recursive: true, withFileTypes: true })
      .map(entry => join(entry.parentPath, entry.name))
      // Layers are read-only, and below a directory that nobody else can enter.
      .filter(path => (statSync(path).mode & 0o077) !== 0 && !path.includes('/store/sha256/'))
    expect(open).toEqual([])
    expect(statSync(join(shop.home, 'local')).mode & 0o777).toBe(0o700)
    const writable = readdirSync(join(shop.home, 'local/store'), { recursive: true, withFileTypes: true })
      .map(entry => join(entry.parentPath, entry.name))
      .filter(path => (statSync(path).mode & 0o022) !== 0)
    expect(writable).toEqual([])
  })
})

/** Names → labels → value; fails on what Prometheus would not read. */
function readMetrics(text: string): Map<string, Map<string, number>> {
  expect(text.endsWith('\n')).toBe(true)
  const families = new Map<string, Map<string, number>>()
  const types = new Map<string, string>()
  for (const line of text.trimEnd().split('\n')) {
    const [, kind, about, rest] = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line) ?? []
    if (kind === 'TYPE') {
      expect(types.has(about as string), line).toBe(false)
      types.set(about as string, rest as string)
    }
    if (kind) continue
    const [, name = '', labels = '', value = ''] =
      /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*\})? (\S+)$/.exec(line) ?? []
    expect(name, line).not.toBe('')
    expect(Number.isFinite(Number(value)), line).toBe(true)
    const family = types.has(name) ? name : name.replace(/_(bucket|sum|count)$/, '')
    expect(types.get(family), line).toBeDefined()
    const samples = families.get(name) ?? new Map<string, number>()
    expect(samples.has(labels), line).toBe(false)
    samples.set(labels, Number(value))
    families.set(name, samples)
  }
  for (const [name, type] of types) {
    if (type !== 'histogram') continue
    for (const [labels, count] of families.get(`${name}_count`) ?? []) {
      const series = [...(families.get(`${name}_bucket`) ?? [])].filter(
        ([of]) => of.replace(/,?le="[^"]+"/, '') === (labels || '{}'),
      )
      const values = series.map(([, value]) => value)
      expect(values, name).toEqual([...values].sort((a, b) => a - b))
      expect(values.at(-1), name).toBe(count)
      expect(series.at(-1)?.[0]).toContain('le="+Inf"')
    }
  }
  return families
}
