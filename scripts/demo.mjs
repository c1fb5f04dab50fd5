/**
 * The main job on real input: trains the tutorial's iris model, saves it, serves it on the local platform and asks it.
 * Works in `.demo/`, with a home of its own there, and leaves the endpoint running so that the printed curl line works.
 * Without scikit-learn it shows the model that comes with Thampi.
 */
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve('.')
const demo = join(root, '.demo')
const cli = join(root, 'lib', 'cli.mjs')
const python = join(root, '.venv', process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python')
const env = {
  ...process.env,
  THAMPI_HOME: join(demo, 'home'),
  THAMPI_PYTHON: python,
  THAMPI_PLATFORM: 'local',
  PYTHONPATH: join(root, 'python/src'),
}
// Whatever else runs on this machine, the demo finds a free port.
env.PORT = '0'
const data = '{"input": [5.9, 3.2, 4.8, 1.8]}'

if (
  !existsSync(cli) ||
  newest('src') > statSync(cli).mtimeMs ||
  newest('python/src') > statSync(cli).mtimeMs
) {
  say('Building', [process.execPath, join(root, 'scripts/build.mjs')], root)
}
mkdirSync(demo, { recursive: true })
if (spawnSync(python, ['-c', 'import sklearn']).status !== 0) {
  console.log('\nThere is no scikit-learn in .venv (make setup), so this is the same model in TypeScript.')
  say('$ thampi demo', [process.execPath, cli, 'demo'])
  process.exit()
}
copyFileSync(join(root, 'examples/iris-sklearn/train.py'), join(demo, 'train.py'))

say('$ python train.py', [python, 'train.py'])
const url = say('$ thampi serve', [process.execPath, cli, 'serve', '--quiet'])
const answer = say(`$ thampi predict --data '${data}'`, [
  process.execPath,
  cli,
  'predict',
  '--json',
  '--data',
  data,
])
console.log(`\nIt stays there. Ask it yourself:\n  curl -d '{"data": ${data}}' ${url}`)
console.log('Stop it:\n  cd .demo && THAMPI_HOME=home node ../lib/cli.mjs undeploy dev --yes')
if (JSON.parse(answer).result.result !== 2) throw new Error('the answer should have been {"result": 2}')

/** Runs a step, shows what it prints, gives what it wrote to stdout; ends the demo when the step fails. */
function say(title, [file, ...args], cwd = demo) {
  console.log(`\n${title}`)
  const { status, stdout, error } = spawnSync(file, args, {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  process.stdout.write(stdout ?? '')
  if (error) throw error
  if (status !== 0) process.exit(status ?? 1)
  return stdout.trim()
}

function newest(dir) {
  const files = readdirSync(join(root, dir), { recursive: true }).filter(
    file => /\.(ts|py)$/.test(file) && !file.endsWith('_version.py'),
  )
  return Math.max(...files.map(file => statSync(join(root, dir, file)).mtimeMs))
}
