/** moto: an independent store behind S3, IAM, STS, API Gateway, CloudWatch Logs and Scheduler. Installed on first use. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** That of `make setup`. */
export const python: string = resolve(
  '.venv',
  process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python',
)
const requirements = resolve('tests/aws/requirements.txt')
const installMs = 600_000
const startMs = 30_000

/** One answer of moto, or of ours. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body: Buffer
}

export interface Question {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly headers?: IncomingHttpHeaders | Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

export interface Moto {
  readonly url: string
  /** Passes a request on as it is. */
  pass(question: Question): Promise<Answer>
  /** A request of our own to one service; moto takes the service from the credential scope. */
  ask(service: string, region: string, question: Question): Promise<Answer>
  /** Everything is gone; takes milliseconds. */
  reset(): Promise<void>
  close(): Promise<void>
}

export async function startMoto(): Promise<Moto> {
  const packages = await motoPackages()
  const child = spawn(python, [resolve('tests/aws/moto_server.py')], {
    env: { PATH: process.env.PATH, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: undefined },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const port = await portOf(child)
  const pass = (question: Question): Promise<Answer> => ask(port, question)
  return {
    url: `http://127.0.0.1:${port}`,
    pass,
    ask: (service, region, { headers, ...question }) =>
      pass({ ...question, headers: { ...headers, authorization: scopeOf(service, region) } }),
    reset: async () => {
      await pass({ method: 'POST', path: '/moto-api/reset' })
    },
    close: async () => {
      if (child.exitCode !== null) return
      const ended = new Promise(done => child.once('exit', done))
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** The directory of moto's packages: complete or absent, so two test workers may come here at the same time. */
export async function motoPackages(): Promise<string> {
  const { stdout } = await run(python, ['-c', 'import sys; print(sys.version, sys.platform)'])
  const key = createHash('sha256')
    .update(readFileSync(requirements))
    .update(stdout)
    .digest('hex')
    .slice(0, 12)
  const tools = resolve('.tools')
  const ready = join(tools, `moto-${key}`)
  if (existsSync(ready)) return ready
  await mkdir(tools, { recursive: true })
  const temporary = await mkdtemp(join(tools, '.moto-'))
  try {
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--only-binary=:all:']
    await run(python, [...pip, '--target', temporary, '-r', requirements], { timeout: installMs })
    await rename(temporary, ready).catch(cause => {
      // The other worker was faster, and what it installed is the same.
      if (!existsSync(ready)) throw cause
    })
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
  return ready
}

function portOf(child: ChildProcess): Promise<number> {
  return new Promise((done, fail) => {
    let said = ''
    const patience = setTimeout(() => child.kill('SIGKILL'), startMs)
    child.stderr?.on('data', piece => {
      said = `${said}${piece}`.slice(-4000)
    })
    child.once('exit', () => {
      clearTimeout(patience)
      fail(new Error(`moto does not start:\n${said}`))
    })
    child.stdout?.once('data', line => {
      clearTimeout(patience)
      done(Number(line))
    })
  })
}

function ask(port: number, { method, path, headers = {}, body }: Question): Promise<Answer> {
  return new Promise((done, fail) => {
    const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(body)
    const sent = httpRequest(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        agent: false,
        headers: { ...aboutTheMessage(headers), 'content-length': bytes.length, connection: 'close' },
      },
      response => {
        const pieces: Buffer[] = []
        response.on('data', piece => pieces.push(piece))
        response.on('error', fail)
        response.on('end', () =>
          done({
            status: response.statusCode ?? 0,
            headers: aboutTheMessage(response.headers),
            body: Buffer.concat(pieces),
          }),
        )
      },
    )
    sent.on('error', fail)
    sent.end(bytes)
  })
}

const aboutTheConnection = new Set([
  'connection',
  'transfer-encoding',
  'keep-alive',
  'expect',
  'server',
  'date',
])

function aboutTheMessage(headers: NonNullable<Question['headers']>): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !aboutTheConnection.has(name)) kept[name] = value
  }
  return kept
}

function scopeOf(service: string, region: string): string {
  const scope = `Credential=AKIATESTCLOUD/20260101/${region}/${service}/aws4_request`
  return `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=0`
}

/** What stands in the elements of this name, in XML of AWS. */
export function textsOf(xml: string, element: string): string[] {
  return [...xml.matchAll(new RegExp(`<${element}>([^<]*)</${element}>`, 'g'))].map(
    ([, text]) => text as string,
  )
}
