/** The README and the tutorial do what they say: their commands run as they stand, and print what the pages show. */
import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { pinned } from '../support/doors.ts'
import { type Project, project } from '../support/journey.ts'
import { savedWithNewerPython } from '../support/newer-model.ts'
import { newerPython } from '../support/newer-python.ts'
import { stepsOf, withoutChance } from '../support/pages.ts'

describe('README', () => {
  const made = project()

  it('starts with three commands that serve a model', async () => {
    await follow('README.md', made)
  })

  it('shows the training script of the example', () => {
    const shown = stepsOf('README.md').find(step => step.kind === 'file')
    expect(shown).toEqual({
      kind: 'file',
      path: 'train.py',
      text: readFileSync('examples/iris-sklearn/train.py', 'utf8'),
    })
  })
})

describe('tutorial', () => {
  const made = project()

  it('runs as it was published', async () => {
    writeFileSync(
      made.env.AWS_CONFIG_FILE as string,
      '[profile analytics]\nregion = eu-west-1\n\n[default]\nregion = us-east-1\n',
    )
    await follow('docs/tutorial.md', made)
    const kept = ['train.py', 'requirements.txt', 'zappa_settings.json', 'models/iris-sklearn/model.pkl']
    for (const file of kept) expect(existsSync(join(made.dir, 'myproject', file)), file).toBe(true)
  })
})

describe('how-to pages about operating', () => {
  const made = project()

  it('work as they stand, one after the other', async () => {
    made.write('train.py', readFileSync('examples/iris-sklearn/train.py'))
    await made.python(['train.py'])
    await follow('docs/how-to/keys.md', made)
    await follow('docs/how-to/monitoring.md', made, 4)
    await follow('docs/how-to/logs.md', made, 2)
  })
})

const newer = await newerPython()

describe.skipIf('missing' in newer)(
  `the how-to page about packing for Lambda${'missing' in newer ? `: ${newer.missing}` : ''}`,
  () => {
    const made = project()

    it('works as it stands', async () => {
      mkdirSync(join(made.dir, 'models'), { recursive: true })
      cpSync(await savedWithNewerPython(), join(made.dir, 'models/iris'), { recursive: true })
      const bin = 'path' in newer ? dirname(newer.path) : ''
      const env = { ...made.env, THAMPI_UV: resolve('.venv/bin/uv'), PATH: `${bin}:${made.env.PATH}` }
      await follow('docs/how-to/lambda-package.md', { ...made, env }, 8)
      expect(readFileSync(join(made.dir, 'files.txt'), 'utf8')).toContain('thampi_handler.py  (handler)')
    })
  },
)

/**
 * Does what a page says, in a shell whose directory and variables go on from block to block. Marked blocks that lost
 * their mark would not be missed, so there have to be `atLeast` of them.
 */
async function follow(page: string, made: Project, atLeast = 5): Promise<void> {
  const shell = new Shell(made)
  const steps = stepsOf(page)
  expect(steps.length, `marked blocks of ${page}`).toBeGreaterThanOrEqual(atLeast)
  for (const step of steps) {
    if (step.kind === 'file') writeFileSync(join(shell.directory, step.path), step.text)
    else if (step.kind === 'run') await shell.run(step.commands, step.answers)
    else expectShown(step.text, shell)
  }
}

/** Every line that the page shows was printed, whatever ids, times and ports were this time. */
function expectShown(text: string, { printed, answers }: Shell): void {
  // On a terminal an answer is seen where it was typed; through a pipe it is not.
  const shown = answers.reduce((rest, answer) => rest.replace(new RegExp(`(: ?)${answer}\\n`), '$1'), text)
  const lines = withoutChance(printed).split('\n')
  for (const line of withoutChance(shown).trimEnd().split('\n')) expect(lines).toContain(line)
}

class Shell {
  printed = ''
  answers: readonly string[] = []
  #env: Readonly<Record<string, string>>
  #state: string
  #place: string
  #address = '127.0.0.1:8426'

  constructor(made: Project) {
    this.#env = { ...made.env, ...packagesOfThisBuild(made) }
    this.#state = join(made.dir, '..', 'shell-state')
    this.#place = join(made.dir, '..', 'shell-directory')
    writeFileSync(this.#state, '')
    writeFileSync(this.#place, made.dir)
  }

  get directory(): string {
    return readFileSync(this.#place, 'utf8').trim()
  }

  async run(commands: string, answers: readonly string[]): Promise<void> {
    const script = [
      'set -euo pipefail',
      `source '${this.#state}'`,
      'exec 2>&1',
      // The pages name the usual port, which another host of this machine may hold.
      commands.replaceAll('127.0.0.1:8426', this.#address),
      `export -p > '${this.#state}'`,
      `pwd > '${this.#place}'`,
    ]
    const child = spawn('bash', ['-c', script.join('\n')], { cwd: this.directory, env: this.#env })
    child.stdin.on('error', () => {}).end(answers.map(answer => `${answer}\n`).join(''))
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      printed += piece
    })
    const status = await new Promise(done => child.on('close', done))
    expect(status, `${commands}\n${printed}`).toBe(0)
    this.#address = /127\.0\.0\.1:\d+/.exec(printed)?.[0] ?? this.#address
    this.printed = printed
    this.answers = answers
  }
}

/** `pip install thampi` finds this build; the others come in the versions that the tests of the project use. */
function packagesOfThisBuild({ dir }: Project): Record<string, string> {
  const constraints = join(dir, '..', 'constraints.txt')
  const pins = ['cloudpickle', 'numpy', 'scikit-learn'].map(name => `${pinned(name)}\n`)
  writeFileSync(constraints, pins.join(''))
  return {
    PIP_CONSTRAINT: constraints,
    PIP_FIND_LINKS: [process.env.PIP_FIND_LINKS, resolve('out')].filter(Boolean).join(' '),
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  }
}
