/** The same command line through both doors: what it says does not depend on how it was installed. */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { type Ended, project } from '../support/journey.ts'

const pip = project({ door: 'pip' })
/** Its own directory, and the same home: both look at the same deployments. */
const npm = project({ door: 'npm', home: pip.home })

describe('both doors', () => {
  it.each(
    [
      ['--version'],
      ['--help'],
      ['serve', '--help'],
      ['help', 'predict'],
      ['sevre'],
      ['serve', 'dev', '--model_dir=nowhere'],
      ['predict', '--data', '{"half": '],
    ].map(args => [args.join(' '), args] as const),
  )('say the same to thampi %s', async (_, args) => {
    const [one, other] = await Promise.all([pip.thampi(args), npm.thampi(args)])
    expect(one).toEqual(other)
    expect(one.out + one.err).not.toBe('')
  })

  it('are the same version of everything but Node, which each brings or finds', async () => {
    const [one, other] = await Promise.all(
      [pip, npm].map(async door => documentOf(await door.thampi(['--version', '--json']))),
    )
    expect(one).toEqual({ cli: expect.any(String), sdk: expect.any(String), node: expect.any(String) })
    expect(other).toEqual({ ...one, node: process.versions.node })
    expect(one?.cli).toBe(one?.sdk)
  })

  it('serve and ask the same deployment', async () => {
    for (const door of [pip, npm]) {
      door.write('train.py', training)
      door.write('zappa_settings.json', JSON.stringify({ dev: { project_name: 'shared' } }))
    }
    await pip.python(['train.py'])
    const { status, out: url } = await pip.thampi(['serve'])
    expect(status).toBe(0)
    for (const args of [
      ['info'],
      ['info', '--json'],
      ['predict', '--data=[1, 2.0, null]'],
      ['predict', '--json', '--data=1'],
    ]) {
      const [one, other] = await Promise.all([pip.thampi(args), npm.thampi(args)])
      expect(one).toEqual(other)
      expect(one.status).toBe(0)
    }
    const unchanged = await npm.thampi([
      'serve',
      '--json',
      `--model_dir=${pip.dir}/models/echo`,
      `--project_dir=${pip.dir}`,
    ])
    expect(documentOf(unchanged)).toMatchObject({ url: url.trim(), version: 1, unchanged: true })
    expect((await npm.thampi(['undeploy', 'dev', '--yes'])).status).toBe(0)
    expect((await pip.thampi(['info'])).status).toBe(4)
  })
})

describe('the start of a command', () => {
  it('costs what is printed here', async () => {
    const empty = ['-e', '0']
    const bare = medianMs(() => execFileSync(process.execPath, empty, { env: pip.env }))
    const lines = [`node -e 0                 ${bare} ms`]
    for (const [name, door] of [
      ['npm', npm],
      ['pip', pip],
    ] as const) {
      const run = (): unknown => execFileSync('thampi', ['--version'], { env: door.env, cwd: door.dir })
      expect(String(run())).toMatch(/^thampi \d+\.\d+\.\d+/)
      lines.push(`thampi --version (${name})     ${medianMs(run)} ms`)
    }
    console.log(lines.join('\n'))
  })
})

const training = `
import thampi

class Echo(thampi.Model):
    def predict(self, args, context):
        return {'echo': args, 'half': 0.5, 'whole': 1.0, 'text': 'naïve "quoted" \\'text\\''}

thampi.save(Echo(), 'echo', './models', input_example=[1, 2.0])
`

function documentOf({ out }: Ended): Record<string, unknown> {
  return JSON.parse(out)
}

function medianMs(run: () => unknown): number {
  const times: number[] = []
  for (let i = 0; i < 7; i++) {
    const start = performance.now()
    run()
    times.push(performance.now() - start)
  }
  return Math.round(times.sort((a, b) => a - b)[3] ?? 0)
}
