/** Three commands from nothing to a URL, without a settings file; and what may happen to it afterwards. */
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { pinned } from '../support/doors.ts'
import { type Project, project } from '../support/journey.ts'
import { processesOf } from '../support/processes.ts'

const training = (factor: number): string => `
import thampi

class Scale(thampi.Model):
    def initialize(self, context):
        print('loaded')
    def predict(self, args, context):
        print('asked for', args['input'])
        return {'scaled': [${factor} * value for value in args['input']]}

thampi.save(Scale(), 'scale', './models', input_example={'input': [1, 2.5]})
`

describe('the first run', () => {
  const shop = project()
  let url: string

  it('needs a training script and two words', async () => {
    shop.write('train.py', training(2))
    await shop.python(['train.py'])
    const { status, out, err } = await shop.thampi(['serve'])
    expect(err).toContain('1 example replayed, identical\n')
    expect({ status, out }).toEqual({
      status: 0,
      out: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/dev\/scale\/predict\n$/),
    })
    url = out.trim()
    expect(err).toContain(`  curl -d '{"data": {"input":[1,2.5]}}' ${url}\n`)
    expect(await scaled(url)).toEqual([2, 5])
  })

  it('the line it ends with works when it is pasted', async () => {
    const { err } = await shop.thampi(['serve'])
    const pasted = /^ {2}thampi (\S+) (\S+) --data '(.*)'$/m.exec(err)
    expect(pasted).not.toBeNull()
    const [, command = '', stage = '', data = ''] = pasted ?? []
    const { status, out } = await shop.thampi([command, stage, '--data', data])
    expect({ status, out }).toEqual({
      status: 0,
      out: expect.stringContaining("'result': {'scaled': [2, 5.0]}}"),
    })
  })

  it('serving it again changes nothing', async () => {
    const before = await served(shop, ['info'])
    const { status, out, err } = await shop.thampi(['serve'])
    expect({ status, out }).toEqual({ status: 0, out: `${url}\n` })
    expect(err).toContain('Unchanged: version 1 of dev already serves this bundle')
    expect(await served(shop, ['info'])).toEqual(before)
  })

  it('another model is another version at the same URL', async () => {
    shop.write('train.py', training(3))
    await shop.python(['train.py'])
    expect(await served(shop, ['serve'])).toMatchObject({
      url,
      version: 2,
      unchanged: false,
      receipts_replayed: 1,
    })
    expect(await scaled(url)).toEqual([3, 7.5])
  })

  it('logs show what the model printed, with the id of the request', async () => {
    await fetch(url, {
      method: 'POST',
      body: '{"data": {"input": [42]}}',
      headers: { 'X-Request-Id': 'blue-42' },
    })
    const lines = async (): Promise<string[]> =>
      (await shop.thampi(['tail', 'dev', '--filter', 'blue-42'])).out.trim().split('\n')
    await expect
      .poll(lines, { timeout: 10_000 })
      .toEqual([
        expect.stringMatching(/^\[\d{13}\] asked for \[42\] \[blue-42\]$/),
        expect.stringMatching(/^\[\d{13}\] POST \/dev\/scale\/predict 200 \d+\.\d ms \[blue-42\]$/),
      ])
  })

  it('answers after kill -9 of the process that holds the model', async () => {
    const sandboxes = (await shop.host())?.stages.flatMap(({ pids }) => pids) ?? []
    expect(sandboxes).not.toEqual([])
    for (const pid of sandboxes) process.kill(pid, 'SIGKILL')
    const { status, out } = await shop.thampi(['predict', '--data', '{"input": [10]}'])
    expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining("{'scaled': [30]}") })
  })

  it('answers at the same URL after kill -9 of the host, and says that it came back', async () => {
    const pid = (await shop.host())?.pid ?? 0
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => processesOf(shop.home).map(process => process.pid)).not.toContain(pid)
    const { status, out, err } = await shop.thampi(['predict', '--data', '{"input": [10]}'])
    expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining("{'scaled': [30]}") })
    expect(err).toContain('The local platform was not running; it is started again.')
    expect((await shop.host())?.pid).not.toBe(pid)
    expect(await scaled(url)).toEqual([3, 7.5])
  })

  it('after undeploy no process is left', async () => {
    expect((await shop.thampi(['undeploy', 'dev', '--yes'])).status).toBe(0)
    await expect.poll(() => processesOf(shop.home), { timeout: 40_000, interval: 500 }).toEqual([])
    expect(await shop.host()).toBeUndefined()
  })
})

describe('the port of a home where nothing is served', () => {
  const shop = project()

  it('may be taken meanwhile: the next serve finds another', async () => {
    shop.write('train.py', training(2))
    await shop.python(['train.py'])
    const port = Number(new URL((await shop.thampi(['serve'])).out).port)
    await shop.thampi(['undeploy', 'dev', '--yes'])
    await shop.thampi(['host', '--stop'])
    const other = createServer()
    await new Promise<void>(resolve => other.listen(port, '127.0.0.1', resolve))
    const { status, out } = await shop.thampi(['serve'])
    other.close()
    expect(status).toBe(0)
    expect(await scaled(out.trim())).toEqual([2, 5])
  })
})

describe('a project that is large', () => {
  const shop = project()

  it('packs what a prediction may need and none of the rest', async () => {
    for (let i = 0; i < 5_000; i++) {
      shop.write(`data/part-${i % 50}/${i}.csv`, '1,2,3\n')
      shop.write(`node_modules/package-${i % 50}/${i}.js`, 'export {}\n')
    }
    shop.write('features.py', 'def scale(values):\n    return values\n')
    shop.write('train.py', training(2))
    await shop.python(['train.py'])
    const { status, err } = await shop.thampi(['serve'])
    expect(err).toContain('Packed 2 files of the project')
    expect(err).toContain('node_modules/ (installed packages)')
    expect(status).toBe(0)
    const kept = readdirSync(join(shop.home, 'local', 'store'), { recursive: true, encoding: 'utf8' })
    expect(kept.filter(path => /\.(csv|js)$/.test(path))).toEqual([])
    expect(kept.some(path => path.endsWith('features.py'))).toBe(true)
  })
})

describe('serve that is interrupted while it installs', () => {
  const shop = project()
  const serve = ['serve', '--dependency_file=requirements.txt']

  it('works when it is run again, and never touches what it was given', async () => {
    shop.write('requirements.txt', `# what the model needs\nthampi==0.1.0\n${pinned('numpy')}\n`)
    shop.write('train.py', training(2))
    await shop.python(['train.py'])
    const before = shop.snapshot()
    for (const signal of ['SIGINT', 'SIGKILL', 'SIGKILL'] as const) {
      const delayMs = Math.random() * 2_000
      const running = shop.start(serve)
      await running.untilItSays(/^installing \d+ packages?/m)
      await sleep(delayMs)
      running.kill(signal)
      const { status, out } = await running.ended
      expect({ signal, delayMs, status, out }).toMatchObject({
        status: signal === 'SIGINT' ? 130 : null,
        out: '',
      })
      expect(shop.snapshot()).toEqual(before)
    }
    const { status, out, err } = await shop.thampi(serve)
    expect(err).toContain('Version 1 serves dev')
    expect(status).toBe(0)
    expect(await scaled(out.trim())).toEqual([2, 5])
    expect(shop.snapshot()).toEqual(before)
  })
})

describe('two people who serve one stage at once', () => {
  const shop = project()

  it('one of them wins, the other hears who it is', async () => {
    const at = (name: string): string => join(shop.dir, '..', name)
    // The model loads for as long as the test needs it to.
    shop.write(
      'train.py',
      `
import os, time, thampi

class Patient(thampi.Model):
    def initialize(self, context):
        open(${JSON.stringify(at('loading'))}, 'w').close()
        while not os.path.exists(${JSON.stringify(at('go'))}):
            time.sleep(0.05)
    def predict(self, args, context):
        return {'scaled': [2 * value for value in args['input']]}

thampi.save(Patient(), 'patient', './models')
`,
    )
    await shop.python(['train.py'])
    const first = shop.start(['serve'])
    await expect.poll(() => existsSync(at('loading')), { timeout: 30_000 }).toBe(true)
    const { status, out, err } = await shop.thampi(['serve'])
    expect({ status, out }).toEqual({ status: 5, out: '' })
    expect(err).toContain(`process ${first.pid}`)
    expect(err).toContain('DEPLOY_IN_PROGRESS')
    writeFileSync(at('go'), '')
    const { status: won, out: url } = await first.ended
    expect(won).toBe(0)
    expect(await scaled(url.trim())).toEqual([2, 5])
  })
})

describe('a model that is not the newest, without a settings file', () => {
  const shop = project()
  const answer = async (): Promise<string> =>
    (await shop.thampi(['predict', 'dev', '--data={"input": [10]}'])).out

  it('is what the other commands mean once it was served, until it no longer is', async () => {
    shop.write('train.py', training(2))
    await shop.python(['train.py'])
    shop.write('train.py', training(3).replace("'scale', './models'", "'newer', './models'"))
    await shop.python(['train.py'])
    const { status, out } = await shop.thampi(['serve', '--model_dir=models/scale'])
    expect(status).toBe(0)
    expect(await scaled(out.trim())).toEqual([2, 5])
    expect(await answer()).toContain("{'scaled': [20]}")
    expect((await shop.thampi(['serve'])).out).toContain('/dev/newer/predict')
    expect(await answer()).toContain("{'scaled': [30]}")
    await shop.thampi(['serve', '--model_dir=models/scale'])
    expect(await answer()).toContain("{'scaled': [20]}")
    await shop.thampi(['undeploy', '--yes'])
    expect(await answer()).toContain("{'scaled': [30]}")
  })

  it('is meant as well where it lies outside of ./models', async () => {
    renameSync(join(shop.dir, 'models/scale'), join(shop.dir, 'other'))
    rmSync(join(shop.dir, 'models'), { recursive: true })
    await shop.thampi(['serve', '--model_dir=other'])
    expect(await answer()).toContain("{'scaled': [20]}")
    expect((await shop.thampi(['info'])).out).toContain('/dev/other/predict')
  })

  it('gives way to what a settings file says', async () => {
    await shop.thampi(['init', '--name=newer', '--yes'])
    expect(await answer()).toContain("{'scaled': [30]}")
  })
})

describe('an example that was recorded', () => {
  const shop = project()
  const ask = (...args: string[]) => shop.thampi(['predict', 'dev', ...args])

  it('is what serve says to ask, when it is too long for a line', async () => {
    const examples = `[{'input': list(range(100))}, {'input': [5]}]`
    shop.write('train.py', training(2).replace("input_example={'input': [1, 2.5]}", `examples=${examples}`))
    await shop.python(['train.py'])
    const { err } = await shop.thampi(['serve'])
    expect(err).toContain('Next: thampi predict dev --example\n')
    expect((await ask('--example')).out).toContain('196,\n')
  })

  it('is asked by its number', async () => {
    expect((await ask('--example', '2')).out).toContain("{'scaled': [10]}")
    const { status, err } = await ask('--example=3')
    expect(status).toBe(2)
    expect(err).toContain('Version 1 of dev has 2 recorded examples, so there is no number 3.')
  })
})

/** The document for programs. */
async function served(shop: Project, args: readonly string[]): Promise<unknown> {
  return JSON.parse((await shop.thampi([...args, '--json'])).out)
}

async function scaled(url: string): Promise<unknown> {
  const response = await fetch(url, { method: 'POST', body: '{"data": {"input": [1, 2.5]}}' })
  return ((await response.json()) as { result: { scaled: unknown } }).result.scaled
}
