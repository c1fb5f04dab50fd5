/** The bench of one run of a figure: the product under test, saved models, worlds to break, chance that can be repeated. */
import { randomInt } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import type { Product } from './product.ts'
import { World, type WorldOptions } from './world.ts'

export interface LabOptions {
  readonly product: Product
  /** An empty directory. */
  readonly dir: string
  /** Holds `a/probe` and `b/probe`. */
  readonly models: string
  readonly long: boolean
  readonly seed: number
}

export class Lab {
  readonly product: Product
  readonly dir: string
  readonly models: string
  readonly long: boolean
  readonly random: () => number
  readonly #worlds: World[] = []

  constructor({ product, dir, models, long, seed }: LabOptions) {
    this.product = product
    this.dir = dir
    this.models = models
    this.long = long
    this.random = randomFrom(seed)
  }

  /** One of two sizes: what fits into `make test`, and what a night may take. */
  size(short: number, long: number): number {
    return this.long ? long : short
  }

  pick<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.random() * from.length)]
  }

  /** Letters and digits, never the same again. */
  letters(length: number): string {
    const all = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
    return Array.from({ length }, () => all[randomInt(all.length)]).join('')
  }

  /** A platform of its own that runs and serves nothing yet. */
  async world(options: WorldOptions = {}): Promise<World> {
    const dir = join(this.dir, `world-${this.#worlds.length + 1}`)
    await mkdir(join(dir, 'project'), { recursive: true })
    const world = new World(dir, this.product, this.models, { port: await freePort(), ...options })
    this.#worlds.push(world)
    await world.start()
    return world
  }

  /** A world with the model `a` on its stage, warm. */
  async serving(options: WorldOptions = {}): Promise<World> {
    const world = await this.world(options)
    await world.serve('a')
    return world
  }

  async close(): Promise<void> {
    await Promise.all(this.#worlds.splice(0).map(world => world.close()))
  }
}

/** Below the ports that outgoing connections get: one of those might have it when a host is started again. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(12_000, 30_000)
    const server = createServer()
    const isFree = await new Promise<boolean>(resolve => {
      server.on('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise(resolve => server.close(resolve))
    return port
  }
}

/** mulberry32: small, good enough for choosing victims, and the same everywhere. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
