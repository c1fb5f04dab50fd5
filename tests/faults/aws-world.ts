/** One stage on the AWS of this machine, the models that people deploy to it, and what its callers and its account show. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { saveFile } from '../../src/save.ts'
import { realSystem } from '../../src/system/system.ts'
import { type Cloud, startCloud } from '../aws/cloud.ts'
import type { Lab } from './lab.ts'
import { kill } from './world.ts'

export const awsKey = { stage: 'live', model: 'probe' } as const
export const bucket = 'thampi-faults'

/** What the models call themselves; they differ in nothing else. */
export const awsTags = ['a', 'b', 'c'] as const
export type AwsTag = (typeof awsTags)[number]

export interface Ended {
  readonly status: number | null
  readonly out: string
  readonly err: string
}

export interface Person {
  /** Which calls were theirs is told by it. */
  readonly accessKeyId?: string
  /** What the machine is called at which they sit; unless given, this one's own name. */
  readonly machine?: string
}

export class AwsWorld {
  readonly cloud: Cloud
  /** Where the stage was last served. */
  url: string | undefined
  readonly #cli: string
  readonly #dir: string
  readonly #running = new Set<ChildProcess>()

  private constructor(cloud: Cloud, cli: string, dir: string) {
    this.cloud = cloud
    this.#cli = cli
    this.#dir = dir
  }

  /** A cloud with nothing in it, and a project that is served there. `name` tells worlds of one lab apart. */
  static async open(lab: Lab, name = 'aws'): Promise<AwsWorld> {
    const dir = join(lab.dir, name)
    const [cloud] = await Promise.all([startCloud(), saveModels(dir)])
    const stage = { project_name: awsKey.model, s3_bucket: bucket, thampi: { platform: 'aws' } }
    writeFileSync(join(dir, 'zappa_settings.json'), JSON.stringify({ [awsKey.stage]: stage }))
    return new AwsWorld(cloud, lab.product.cli, dir)
  }

  /** Runs a command; `killed` ends it whenever it is called. */
  start(args: readonly string[], { accessKeyId, machine }: Person = {}): Running {
    const env = {
      PATH: process.env.PATH,
      ...this.cloud.env,
      THAMPI_HOME: join(this.#dir, 'home'),
      ...(accessKeyId === undefined ? {} : { AWS_ACCESS_KEY_ID: accessKeyId }),
      ...(machine === undefined ? {} : { MACHINE: machine }),
    }
    const named = pathToFileURL(join(import.meta.dirname, 'inside', 'machine.mjs')).href
    const node = machine === undefined ? [] : ['--import', named]
    const child = spawn(process.execPath, [...node, this.#cli, ...args], { cwd: this.#dir, env })
    this.#running.add(child)
    const said = { out: '', err: '' }
    child.stdout.on('data', piece => {
      said.out += piece
    })
    child.stderr.on('data', piece => {
      said.err += piece
    })
    const ended = new Promise<Ended>((done, fail) => {
      child.on('error', fail)
      child.on('close', status => {
        this.#running.delete(child)
        done({ status, ...said })
      })
    })
    return { ended, kill: () => void child.kill('SIGKILL') }
  }

  serve(tag: AwsTag, person?: Person): Running {
    const model = join(this.#dir, tag, awsKey.model)
    const running = this.start(['serve', awsKey.stage, '--model_dir', model, '--no-try'], person)
    const ended = running.ended.then(end => {
      if (end.status === 0) this.url = end.out.trim()
      return end
    })
    return { ...running, ended }
  }

  /** Which model answers, and as which version; undefined when none does. */
  async ask(): Promise<{ readonly tag: string; readonly version: number } | undefined> {
    if (this.url === undefined) return undefined
    const response = await fetch(this.url, { method: 'POST', body: '{"data": 1}' }).catch(() => undefined)
    if (response?.status !== 200) return undefined
    const { result } = (await response.json()) as { result: string }
    return { tag: result, version: Number(response.headers.get('thampi-version')) }
  }

  async close(): Promise<void> {
    for (const { pid } of this.#running) if (pid !== undefined) kill(pid)
    await this.cloud.close()
  }
}

export interface Running {
  readonly ended: Promise<Ended>
  /** kill -9. */
  readonly kill: () => void
}

async function saveModels(dir: string): Promise<void> {
  // Inside the repository, where the models find the bundler that saves them.
  mkdirSync('test-results', { recursive: true })
  const work = mkdtempSync(resolve('test-results', 'probe-'))
  try {
    for (const tag of awsTags) {
      mkdirSync(join(work, tag))
      const file = join(work, tag, `${awsKey.model}.ts`)
      writeFileSync(file, `export default class { predict() { return ${JSON.stringify(tag)} } }\n`)
      await saveFile(file, join(dir, tag), { ...realSystem(), cwd: work })
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
