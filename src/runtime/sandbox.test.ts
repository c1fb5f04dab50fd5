/** A real process of the runtime: what it survives, what ends it, and what it says. */
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { nodeLayer, saveSource } from '../../tests/support/node-runtime.ts'
import { isRunning } from '../../tests/support/processes.ts'
import { temporaryDirectory } from '../../tests/support/python.ts'
import { digestsOf, Talk } from '../../tests/support/talk.ts'
import type { Start } from '../wire/messages.ts'

let layer: string
beforeAll(async () => {
  layer = await nodeLayer()
})

const started: Talk[] = []
afterEach(() => {
  for (const talk of started.splice(0)) talk.close()
})

/** A process with a model whose class body is `body`; it has been asked nothing yet. */
async function talkTo(body: string, more: Partial<Start> = {}): Promise<Talk> {
  const talk = await starting(body, more)
  await talk.ready()
  return talk
}

async function starting(body: string, more: Partial<Start> = {}): Promise<Talk> {
  const source = `import { BadInput, ItemError, Model } from './src/runtime/model.ts'
export default class Wrapped extends Model {
${body}
}
export const used = [BadInput, ItemError]`
  const talk = new Talk(layer, await saveSource(source), more)
  started.push(talk)
  return talk
}

const problem = (body: string): Record<string, unknown> => JSON.parse(body) as Record<string, unknown>

describe('what a model may do in a request', () => {
  it('names the line of the TypeScript file that threw', async () => {
    const talk = await talkTo(`predict(args: { length: number } | null) {
  return args!.length
}`)
    const { status, body } = await talk.ask('{}')
    expect([status, problem(body).detail]).toEqual([
      500,
      "TypeError in iris.ts:4, `predict`: Cannot read properties of null (reading 'length')",
    ])
    await talk.stop()
    expect(talk.printed).toContain('iris.ts:4:')
    expect(talk.printed).not.toContain('runtime.mjs')
  })

  it('keeps what it threw to the log where answers are terse', async () => {
    const talk = await talkTo(`predict() { throw new Error('secret') }`, { errors: 'terse' })
    const { body } = await talk.ask('{}')
    expect(body).not.toContain('secret')
    await talk.stop()
    expect(talk.lines).toContainEqual(['r-1', 'ERROR', expect.stringContaining('secret')])
  })

  it.each([
    [`throw 'just a text'`, 'the model threw "just a text", which is not an Error'],
    [`throw { code: 7 }`, 'the model threw {"code":7}, which is not an Error'],
    [`throw undefined`, 'the model threw undefined, which is not an Error'],
    [`return Promise.reject(7)`, 'the model threw 7, which is not an Error'],
    [
      `class WrongUnit extends Error {}; throw new WrongUnit('inches')`,
      'WrongUnit in iris.ts:3, `predict`: inches',
    ],
  ])('answers 500 when it does `%s`', async (code, detail) => {
    const talk = await talkTo(`predict() { ${code} }`)
    const { status, body, retire } = await talk.ask('{}')
    expect({ status, retire, ...problem(body) }).toMatchObject({
      status: 500,
      retire: false,
      code: 'model-error',
      detail,
    })
  })

  it('takes process.exit for an error and asks to be replaced', async () => {
    const talk = await talkTo(`predict() { process.exit(3) }`)
    const { status, body, retire } = await talk.ask('{}')
    expect([status, retire]).toEqual([500, true])
    expect(problem(body).detail).toContain('the model called process.exit(3)')
    expect(await talk.stop()).toBe(0)
  })

  it('lets it wait, and answers requests one after the other all the same', async () => {
    const talk = await talkTo(`running = 0; most = 0
  async predict(args) {
    this.most = Math.max(this.most, ++this.running)
    await new Promise(done => setTimeout(done, 5))
    this.running--
    return { args, most: this.most }
  }`)
    const answers = await talk.askTogether(['{"data":1}', '{"data":2}'])
    expect(answers.map(({ body }) => JSON.parse(body).result)).toEqual([
      { args: 1, most: 1 },
      { args: 2, most: 1 },
    ])
  })

  it('lets several run at once where the settings say so, each with its own lines', async () => {
    const talk = await talkTo(
      `async predict(args) {
    console.log('begin', args)
    await new Promise(done => setTimeout(done, args))
    console.log('end', args)
    return args
  }`,
      { maxConcurrency: 2 },
    )
    await talk.askTogether(['{"data":40}', '{"data":10}'])
    expect(await talk.stop()).toBe(0)
    expect(talk.lines).toEqual([
      ['r-1', 'stdout', 'begin 40'],
      ['r-2', 'stdout', 'begin 10'],
      ['r-2', 'stdout', 'end 10'],
      ['r-1', 'stdout', 'end 40'],
    ])
  })

  it('knows how much time is left', async () => {
    const talk = await talkTo(`predict(_, context) { return context.remainingMs() }`)
    const left = JSON.parse((await talk.ask('{}', { remainingMs: 5_000 })).body).result as number
    expect(left).toBeGreaterThan(0)
    expect(left).toBeLessThanOrEqual(5_000)
  })

  it('logs under the request, with levels, and ends lines that were left unfinished', async () => {
    const talk = await talkTo(`predict(args, { log }) {
    log.debug('hidden')
    log.warn('two\\nlines %d', 7)
    process.stdout.write('unfinished')
    process.stderr.write(Buffer.from('bytes\\n'))
    return null
  }`)
    await talk.ask('{}')
    await talk.stop()
    expect(talk.lines).toEqual([
      ['r-1', 'WARNING', 'two'],
      ['r-1', 'WARNING', 'lines 7'],
      ['r-1', 'stderr', 'bytes'],
      ['r-1', 'stdout', 'unfinished'],
    ])
  })
})

describe('batches', () => {
  const batches = `calls = []
  predict(args) { return this.predictBatch([args])[0] }
  predictBatch(batch) {
    this.calls.push(batch.length)
    if (batch.includes('raise') && batch.length > 1) throw new Error('together')
    if (batch.includes('raise')) throw new Error('alone')
    if (batch.includes('short')) return []
    return batch.map(args =>
      args === 'bad' ? new BadInput('too hot', '/data') : args === 'item' ? new ItemError('nothing near') : { args, calls: this.calls })
  }`
  const ask = async (...inputs: string[]): Promise<[number, unknown][]> => {
    const talk = await talkTo(batches, { maxBatch: 8 })
    const answers = await talk.askTogether(inputs)
    return answers.map(({ status, body }) => [status, problem(body).result ?? problem(body).detail])
  }

  it('hands what waits to the model in one call', async () => {
    expect(await ask('{"data":1}', '{"data":2}', '{"data":3}')).toEqual([
      [200, { args: 1, calls: [3] }],
      [200, { args: 2, calls: [3] }],
      [200, { args: 3, calls: [3] }],
    ])
  })

  it('gives each caller their own refusal, and never shows a broken body to the model', async () => {
    expect(await ask('{"data":"bad"}', '{"data":"item"}', '{', '{"data":4}')).toEqual([
      [422, 'too hot'],
      [500, 'nothing near'],
      [400, 'The body is not JSON: it ends too early at line 1, column 2.'],
      [200, { args: 4, calls: [3] }],
    ])
  })

  it('asks again one by one when the call raised: nobody pays for a neighbour', async () => {
    expect(await ask('{"data":1}', '{"data":"raise"}')).toEqual([
      [200, { args: 1, calls: [2, 1] }],
      [500, expect.stringContaining('alone')],
    ])
  })

  it('assigns no result when there are not as many as inputs', async () => {
    const detail = 'predictBatch returned 0 results for 2 inputs.'
    expect(await ask('{"data":1}', '{"data":"short"}')).toEqual([
      [500, detail],
      [500, detail],
    ])
  })
})

describe('what ends the process', () => {
  it('a promise that is rejected and handled by nobody, with its reason in the log', async () => {
    const talk = await talkTo(`predict() { Promise.reject(new Error('lost')); return 1 }`)
    await talk.ask('{}')
    expect(await talk.exited).toEqual({ status: 73, signal: null })
    expect(talk.printed).toContain(
      'a rejected promise that nobody handled: Error in iris.ts:3, `predict`: lost',
    )
  })

  it('an exception in a timer', async () => {
    const talk = await talkTo(`predict() { setTimeout(() => { throw new Error('late') }, 1); return 1 }`)
    await talk.ask('{}')
    expect(await talk.exited).toEqual({ status: 72, signal: null })
    expect(talk.printed).toContain('late')
  })

  it('process.exit in a timer', async () => {
    const talk = await talkTo(`predict() { setTimeout(() => process.exit(5), 1); return 1 }`)
    await talk.ask('{}')
    expect(await talk.exited).toEqual({ status: 5, signal: null })
  })

  it('a host that has gone, also while the model computes without end', async () => {
    const talk = await talkTo(`predict() { return 1 }`)
    talk.hangUp()
    expect(await talk.exited).toEqual({ status: 0, signal: null })

    const dir = await saveSource(`export default class { predict() { for (;;); } }`)
    const pid = await orphanOf(dir)
    await expect.poll(() => isRunning(pid), { timeout: 5_000 }).toBe(false)
  })

  it('bytes that are no message', async () => {
    const talk = await talkTo(`predict() { return 1 }`)
    talk.sendBytes(Buffer.from([0, 0, 0, 1, 9]))
    expect(await talk.exited).toEqual({ status: 76, signal: null })
  })

  it('a stop, after what was received is answered', async () => {
    const talk = await talkTo(
      `async predict(args) { await new Promise(done => setTimeout(done, 20)); return args }`,
    )
    const answer = talk.ask('{"data":7}')
    expect(await talk.stop()).toBe(0)
    expect(JSON.parse((await answer).body).result).toBe(7)
  })

  it('nothing, when it is asked whether it lives', async () => {
    const talk = await talkTo(`predict() { return 1 }`)
    await talk.pong(41)
  })
})

describe('loading', () => {
  it('refuses bytes that are not those that were released, before any of them run', async () => {
    const dir = await saveSource(`console.log('ran'); export default class { predict() { return 1 } }`)
    const digests = digestsOf(dir)
    for (const file of ['model.mjs', 'thampi.json', 'saved.json']) {
      const good = readFileSync(join(dir, file))
      for (const at of [0, good.length >> 1, good.length - 2]) {
        const flipped = Buffer.from(good)
        flipped[at] = (flipped[at] as number) ^ 1
        writeFileSync(join(dir, file), flipped)
        const talk = new Talk(layer, dir, { digests })
        started.push(talk)
        expect(await talk.failed()).toMatchObject({
          code: 'INTEGRITY',
          message: expect.stringContaining(file),
        })
        expect((await talk.exited).status).toBe(70)
        expect(talk.printed).toBe('')
        writeFileSync(join(dir, file), good)
      }
    }
  })

  it.each([
    [
      'initialize() { throw new TypeError("no weights") } predict() {}',
      'MODEL_RAISED',
      'TypeError in iris.ts:3, `initialize`: no weights',
    ],
    ['async initialize() { await null; throw new Error("late") } predict() {}', 'MODEL_RAISED', 'late'],
    [
      'initialize() { Promise.reject(new Error("nobody")); return new Promise(() => {}) } predict() {}',
      'MODEL_LOAD_FAILED',
      'nobody',
    ],
    ['initialize() { process.exit(4) } predict() {}', 'MODEL_RAISED', 'process.exit(4)'],
    ['predictions() {}', 'MODEL_LOAD_FAILED', 'has no method predict(args, context)'],
    ['static { throw new Error("at import") } predict() {}', 'MODEL_LOAD_FAILED', 'at import'],
  ])('says why: %s', async (body, code, message) => {
    const talk = await starting(body)
    expect(await talk.failed()).toMatchObject({ code, message: expect.stringContaining(message) })
    expect((await talk.exited).status).toBe(70)
  })

  it('refuses another protocol by both numbers', async () => {
    const talk = await starting('predict() {}', { protocol: 2 as 1 })
    expect((await talk.failed()).message).toBe('The host speaks protocol 2, this runtime speaks 1.')
  })

  it('says that it cannot be forked, and how many requests it takes', async () => {
    const one = await (await starting('predict() {}')).ready()
    const several = await (await starting('predict() {}', { maxConcurrency: 5 })).ready()
    const batch = await (await starting('predict() {} predictBatch() {}', { maxBatch: 16 })).ready()
    expect([one, several, batch].map(({ credits, batch, fork }) => [credits, batch, fork])).toEqual([
      [2, 0, false],
      [5, 0, false],
      [16, 16, false],
    ])
  })
})

/** The process of a runtime whose host has been killed while the model computes. */
async function orphanOf(modelDir: string): Promise<number> {
  const script = join(temporaryDirectory(), 'host.mts')
  const root = process.cwd()
  writeFileSync(
    script,
    `import { Talk } from ${JSON.stringify(join(root, 'tests/support/talk.ts'))}
const talk = new Talk(${JSON.stringify(layer)}, ${JSON.stringify(modelDir)})
await talk.ready()
void talk.ask('{}')
setTimeout(() => console.log(talk.pid), 300)`,
  )
  const host = spawn(process.execPath, ['--import', 'tsx', script], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>(resolve =>
    host.stdout.once('data', (text: Buffer) => resolve(Number(text.toString()))),
  )
  expect(isRunning(pid)).toBe(true)
  process.kill(host.pid as number, 'SIGKILL')
  return pid
}
