/** Models in TypeScript: from `thampi create` to a URL, beside the same model in Python; and what goes wrong on the way. */
import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { attach } from '../support/debugger.ts'
import { project } from '../support/journey.ts'
import { installIn, tsx } from '../support/typescript.ts'

describe('the iris model in TypeScript', () => {
  const shop = project({ door: 'npm' })
  let url: string

  it('starts from a template and three commands', async () => {
    const { status, out, err } = await shop.thampi(['create', 'iris', '--template', 'ts'])
    expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining('iris.ts') })
    expect(err).toBe('Next:\n  cd iris && npm install\n  npm run train\n  npx thampi serve\n')
    installIn(shop, 'iris')
    const trained = await tsx(shop, 'train.ts', 'iris')
    expect(trained.out, trained.err).toContain('Next: npx thampi serve --model_dir=./models/iris\n')
    const served = await shop.thampi(['serve'], { cwd: 'iris' })
    expect(served.err).toContain('1 example replayed, identical\n')
    url = served.out.trim()
    expect((await ask(url, { input: [5.9, 3.2, 4.8, 1.8] })).result).toEqual({ result: 2 })
  })

  it('passes its own strict type check, with the documentation in the types', async () => {
    const check = await shop.run(
      process.execPath,
      [resolve('node_modules/typescript/lib/tsc.js'), '--noEmit'],
      {
        cwd: 'iris',
      },
    )
    expect(check).toEqual({ status: 0, out: '', err: '' })
    const types = shop.read('iris/node_modules/thampi/lib/types/runtime/model.d.ts')
    expect(types).toContain('Gives the answer for `args`, the JSON value under `data` of a request')
    expect(shop.read('iris/node_modules/thampi/lib/types/save.d.ts')).toContain(
      'Writes a model to the directory',
    )
  })

  it('is checked by its types where it is used wrongly', async () => {
    shop.write(
      'iris/wrong.ts',
      `import { save } from 'thampi'
import { defineModel, Model } from 'thampi/model'
// @ts-expect-error predict is missing
class NoPredict extends Model {}
class Doubles extends Model<number, number> {
  override predict(args: number): number { return args * 2 }
}
await save(new Doubles(), 'doubles', './models', { inputExample: 1, tags: { team: 'data' } })
// @ts-expect-error a name is needed
await save(new Doubles())
// @ts-expect-error there is no such option
await save(new Doubles(), 'doubles', './models', { example: 1 })
const greeter = defineModel({
  load: async () => ({ greeting: 'Hello' }),
  predict: ({ name }: { name: string }, context, { greeting }) => {
    context.log.info('asked', context.remainingMs())
    return { text: \`\${greeting} \${name}\` }
  },
})
// @ts-expect-error args has a name
void greeter.predict({ nam: 'x' })
void NoPredict
`,
    )
    const check = await shop.run(
      process.execPath,
      [resolve('node_modules/typescript/lib/tsc.js'), '--noEmit'],
      {
        cwd: 'iris',
      },
    )
    expect(check).toEqual({ status: 0, out: '', err: '' })
  })

  it('gives the same bytes as the same model in Python', async () => {
    const python = { dir: 'python' }
    shop.write(join(python.dir, '.keep'), '')
    copyFileSync('examples/iris-sklearn/train.py', join(shop.dir, python.dir, 'train.py'))
    await shop.python(['train.py'], { cwd: python.dir })
    const served = await shop.thampi(['serve'], { cwd: python.dir })
    expect(served.status, served.err).toBe(0)
    const urls = [url, served.out.trim()]
    const bodies = [...flowers(100), '{"data":{"input":[NaN]}}', '{"data":', '{"data":1,"data":2}', '[]']
    for (const body of bodies) {
      const [one, other] = await Promise.all(urls.map(each => resultOf(each, body)))
      expect(one, body).toEqual(other)
    }
  })

  it('serves a new training as a new version, and goes back', async () => {
    shop.write(
      'iris/train.ts',
      shop.read('iris/train.ts').replace('new Iris(rows, labels)', 'new Iris(rows, labels, 1)'),
    )
    await tsx(shop, 'train.ts', 'iris')
    await shop.thampi(['serve'], { cwd: 'iris' })
    expect((await ask(url, { input: [5.9, 3.2, 4.8, 1.8] })).result).toEqual({ result: 1 })
    await shop.thampi(['rollback'], { cwd: 'iris' })
    expect((await ask(url, { input: [5.9, 3.2, 4.8, 1.8] })).result).toEqual({ result: 2 })
    const again = await shop.thampi(['serve', '--json'], { cwd: 'iris' })
    expect(JSON.parse(again.out)).toMatchObject({ version: 3, unchanged: false })
  })
})

describe('the example of a text classifier', () => {
  const shop = project({ door: 'npm' })

  it('trains, keeps what it learned, and says what a message is about', async () => {
    installIn(shop)
    for (const file of readdirSync('examples/text-classifier-ts'))
      if (!['node_modules', 'models'].includes(file))
        copyFileSync(join('examples/text-classifier-ts', file), join(shop.dir, file))
    const trained = await tsx(shop, 'train.ts')
    expect(trained.out, trained.err).toMatch(/^\d of 9 unknown messages are right\.\nNext: npx thampi serve/)
    const { out, err } = await shop.thampi(['serve'])
    expect(err).toContain('2 examples replayed, identical\n')
    // Receipts can be added later; the model is asked in the process that will serve it.
    const added = await shop.thampi([
      'examples',
      'add',
      './models/topics',
      '--data',
      '{"text":"log in"}',
      '--json',
    ])
    expect(added.status, added.err).toBe(0)
    const { result } = await ask(out.trim(), { text: 'I have forgotten my password!' })
    expect(result).toMatchObject({ topic: 'account' })
    expect(await ask(out.trim(), {})).toMatchObject({ status: 422, detail: 'text is missing' })
  })
})

describe('a file that is a model', () => {
  const shop = project({ door: 'npm' })
  const greeter = (greeting: string): string => `import { defineModel } from 'thampi/model'
import { z } from 'zod'

export default defineModel({
  input: z.object({ name: z.string().min(1) }),
  predict: ({ name }) => ({ greeting: \`${greeting} \${name}\` }),
})
`

  it('is served as it stands, its input checked by its schema', async () => {
    installIn(shop)
    shop.write('greeter.ts', greeter('Hello'))
    const { out, err } = await shop.thampi(['serve', '--model_dir', './greeter.ts'])
    const url = out.trim()
    expect(url, err).toMatch(/\/dev\/greeter\/predict$/)
    expect((await ask(url, { name: 'Ada' })).result).toEqual({ greeting: 'Hello Ada' })
    expect(await ask(url, { nam: 'Ada' })).toMatchObject({
      status: 422,
      code: 'model-rejected-input',
      errors: [{ pointer: '/data/name' }],
    })
    const again = await shop.thampi(['serve', '--json', '--model_dir', './greeter.ts'])
    expect(JSON.parse(again.out)).toMatchObject({ unchanged: true })
  })

  it('is served again when it changes; a mistake leaves the last version in place', async () => {
    const running = shop.start(['serve', '--watch', '--model_dir', './greeter.ts'])
    await running.untilItSays('Watching for changes')
    // Two pipes: what was written first need not be heard first.
    await expect.poll(() => running.said.out).toMatch(/\/predict\n$/)
    const url = running.said.out.trim()
    shop.write('greeter.ts', greeter('Good morning'))
    await running.untilItSays('Version 2 serves dev')
    expect((await ask(url, { name: 'Ada' })).result).toEqual({ greeting: 'Good morning Ada' })
    shop.write('greeter.ts', 'export default defineModel(')
    await running.untilItSays('What was served before goes on.')
    expect(running.said.err).toMatch(/greeter could not be bundled\.\ngreeter\.ts:\d+: /)
    expect((await ask(url, { name: 'Ada' })).result).toEqual({ greeting: 'Good morning Ada' })
    running.kill('SIGINT')
    expect((await running.ended).status).toBe(130)
    expect((await ask(url, { name: 'Ada' })).result).toEqual({ greeting: 'Good morning Ada' })
  })

  it('is watched in dev only', async () => {
    shop.write('zappa_settings.json', JSON.stringify({ dev: {}, production: {} }))
    const { status, err } = await shop.thampi([
      'serve',
      'production',
      '--watch',
      '--model_dir',
      './greeter.ts',
    ])
    expect({ status, err }).toEqual({
      status: 2,
      err: expect.stringContaining('Fix: thampi serve dev --watch\n'),
    })
  })
})

describe('a model in TypeScript that misbehaves', () => {
  const shop = project({ door: 'npm' })
  let url: string

  it('is served like any other', async () => {
    installIn(shop)
    const dev = { timeout_seconds: 8, memory_size: 256, thampi: { record: 'errors' } }
    shop.write('zappa_settings.json', JSON.stringify({ dev }))
    shop.write(
      'rogue.ts',
      `import { defineModel } from 'thampi/model'
export default defineModel({
  predict(args: { act: string; value?: number }) {
    switch (args.act) {
      case 'loop': for (;;);
      case 'exit': return process.exit(7)
      case 'reject': void Promise.reject(new Error('nobody handles this')); return new Promise(() => {})
      case 'throw': throw new RangeError(\`\${args.value} is out of range\`)
      case 'undefined': return undefined
      case 'bigint': return 2n ** 70n
      case 'memory': {
        const clock = new Int32Array(new SharedArrayBuffer(4))
        for (const all = [];;) {
          all.push(Buffer.alloc(8_000_000, 1))
          Atomics.wait(clock, 0, 0, 20)
        }
      }
      default: return { fine: args.value }
    }
  },
})
`,
    )
    const { out, err } = await shop.thampi(['serve', '--model_dir', './rogue.ts'])
    url = out.trim()
    expect(url, err).toMatch(/\/dev\/project\/predict$/)
  })

  it.each([
    ['throw', 500, 'model-error', 'RangeError in rogue.ts:8, `predict`: 3 is out of range'],
    ['exit', 500, 'model-error', expect.stringContaining('the model called process.exit(7)')],
    ['undefined', 500, 'result-not-serialisable', '`result` is undefined.'],
    ['loop', 504, 'deadline-exceeded', 'No answer within 8 seconds.'],
    [
      'reject',
      502,
      'worker-crashed',
      expect.stringContaining('a promise was rejected and nobody handled it'),
    ],
    ['memory', 502, 'worker-crashed', expect.stringContaining('needed more memory than the stage allows')],
  ])(
    '%s is answered with %i %s, and the next caller hears nothing of it',
    async (act, status, code, detail) => {
      expect(await ask(url, { act, value: 3 })).toMatchObject({ status, code, detail })
      await expect.poll(async () => (await ask(url, { act: 'fine', value: 1 })).result).toEqual({ fine: 1 })
    },
  )

  it('is asked again what it failed to answer, with a debugger that finds it stopped before', async () => {
    const request = { act: 'throw', value: 4 }
    const headers = { 'X-Request-Id': 'lost-2' }
    await fetch(url, { method: 'POST', body: JSON.stringify({ data: request }), headers })
    // The answer does not wait for the disk.
    await expect
      .poll(async () => (await shop.thampi(['replay', 'lost-2'])).status, { timeout: 20_000 })
      .toBe(1)
    const replaying = shop.start(['replay', 'lost-2', '--inspect'])
    await replaying.untilItSays(/node inspect 127\.0\.0\.1:\d+/)
    const [, address = ''] = /node inspect (\S+)/.exec(replaying.said.err) ?? []
    const debug = await attach(address)
    await debug.say('exec JSON.stringify(data)', /{"act":"throw","value":4}/)
    await debug.say('cont', /> /)
    await replaying.untilItSays('RangeError in rogue.ts:8, `predict`: 4 is out of range')
    debug.end()
    expect(await replaying.ended).toMatchObject({ status: 1, out: '' })
  })

  it('has no use for the debugger of Python', async () => {
    const { status, err } = await shop.thampi(['replay', 'lost-2', '--pdb'])
    expect(status).toBe(2)
    expect(err).toContain('is run by Node, so --pdb has nothing to debug.')
    expect(err).toContain('thampi replay lost-2 dev --inspect')
  })

  it('writes a bigint to the last digit', async () => {
    expect(await resultOf(url, '{"data":{"act":"bigint"}}')).toBe('1180591620717411303424')
  })

  it('says in the log whose line it was', async () => {
    const { out } = await shop.thampi(['logs', '--since=10m'])
    expect(out).toContain('rogue.ts:8')
    expect(out).toContain('nobody handles this')
  })
})

describe('what cannot be saved', () => {
  const shop = project({ door: 'npm' })
  const train = (model: string, imports = "import { M } from './m.ts'"): string =>
    `import { save } from 'thampi'
import { Model } from 'thampi/model'
${imports}
try { await save(${model}, 'm', './models'); console.log('saved') } catch (error) { console.log(error.code, error.message, error.fix) }
void Model
`

  it.each([
    ['class M extends Model { predict() {} }', 'does not export M', 'write `export class M` in m.ts'],
    [
      'export class M extends Model { #w = 1; predict() { return this.#w } }',
      'has the field #w',
      'private w',
    ],
    [
      'export class M extends Model { act = () => 1; predict() {} }',
      'The field `act` of M is a function',
      'initialize()',
    ],
    [
      'export class M extends Model { predict() {} initialize() { throw new Error("no file") } }',
      'no file',
      '',
    ],
    ['import "./missing.ts"\nexport class M extends Model { predict() {} }', 'Cannot find module', ''],
  ])('%s', async (source, message, fix) => {
    if (Object.keys(shop.snapshot()).length === 0) {
      installIn(shop)
      shop.write('package.json', '{"type":"module"}')
    }
    shop.write('m.ts', `import { Model } from 'thampi/model'\n${source}\nexport const make = () => new M()\n`)
    shop.write('train.ts', train('make()', "import { make } from './m.ts'"))
    const { out, err } = await tsx(shop, 'train.ts')
    expect(out + err).toContain(message)
    expect(out + err).toContain(fix)
    expect(Object.keys(shop.snapshot()).filter(path => path.startsWith('models'))).toEqual([])
  })

  it('a class in the script that trains', async () => {
    shop.write('train.ts', train('new M()', 'class M extends Model { predict() { return 1 } }'))
    const { out } = await tsx(shop, 'train.ts')
    expect(out).toContain('BUNDLE_FAILED M is defined in train.ts, which is the script that runs now')
  })

  it('a class with toState and fromState can, whatever its fields are', async () => {
    shop.write(
      'm.ts',
      `import { Model } from 'thampi/model'
export class M extends Model<null, number> {
  #secret: number
  constructor(secret: number) { super(); this.#secret = secret }
  override toState() { return { secret: this.#secret } }
  static fromState({ secret }: { secret: number }) { return new M(secret) }
  override predict() { return this.#secret }
}
`,
    )
    shop.write('train.ts', train('new M(41)'))
    expect((await tsx(shop, 'train.ts')).out).toBe('saved\n')
    const { out } = await shop.thampi(['serve'])
    expect((await ask(out.trim(), null)).result).toBe(41)
  })
})

describe('a project without esbuild', () => {
  const shop = project({ door: 'npm' })

  it('is told which command installs it', async () => {
    installIn(shop, '', ['esbuild', 'tsx'])
    shop.write('m.ts', 'export default { predict: () => 1 }')
    const { status, err } = await shop.thampi(['serve', '--model_dir', './m.ts'])
    expect({ status, err }).toEqual({
      status: 8,
      err: expect.stringContaining('Fix: npm install --save-dev esbuild\n'),
    })
  })
})

describe.each(['npm', 'pip'] as const)('thampi demo through %s', door => {
  const shop = project({ door })

  it('needs nothing and ends without a trace', async () => {
    const { status, out, err } = await shop.thampi(['demo'])
    expect(status, err).toBe(0)
    const url = out.trim()
    const pasted = /curl -d '(.*)' (\S+)/.exec(err)
    expect(pasted?.[2]).toBe(url)
    const response = await fetch(url, { method: 'POST', body: pasted?.[1] ?? '' })
    expect(await response.json()).toMatchObject({ result: { result: 2 } })
    expect(Object.keys(shop.snapshot())).toEqual([])
    expect((await shop.thampi(['demo', '--stop'])).out).toBe('The demo has ended.\n')
    expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(404)
  })

  it('is no more than a start: create writes a project that is refused in a directory with files', async () => {
    const created = await shop.thampi(['create', 'mine', '--template', 'python', '--json'])
    expect(JSON.parse(created.out)).toMatchObject({
      template: 'python',
      files: ['.gitignore', 'requirements.txt', 'train.py'],
    })
    expect(shop.read('mine/train.py')).toBe(readFileSync('examples/iris-sklearn/train.py', 'utf8'))
    const again = await shop.thampi(['create', 'mine', '--template', 'python'])
    expect({ status: again.status, err: again.err }).toEqual({
      status: 8,
      err: expect.stringContaining('"mine" is not an empty directory; nothing was written.\n'),
    })
    const unsaid = await shop.thampi(['create', '--no-input'])
    expect(unsaid.err).toContain('thampi create needs DIR and --template when it cannot ask.')
  })
})

interface Answer {
  readonly status: number
  readonly result?: unknown
  readonly code?: string
}

async function ask(url: string, data: unknown): Promise<Answer> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify({ data }) })
  return { status: response.status, ...((await response.json()) as object) }
}

/** The very text of the result, or status and code of the problem. */
async function resultOf(url: string, body: string): Promise<string> {
  const response = await fetch(url, { method: 'POST', body })
  const text = await response.text()
  if (response.ok) return text.slice(text.indexOf('},"result":') + '},"result":'.length, -2)
  return `${response.status} ${(JSON.parse(text) as { code: string }).code}`
}

/** Flowers that nobody measured, the same in every run. */
function flowers(count: number): string[] {
  let seed = 42
  const next = (): number => {
    seed = (seed * 1103515245 + 12345) % 2 ** 31
    return seed / 2 ** 31
  }
  return Array.from({ length: count }, () =>
    JSON.stringify({
      data: { input: [4 + 4 * next(), 2 + 2.5 * next(), 1 + 6 * next(), 0.1 + 2.4 * next()] },
    }),
  )
}
