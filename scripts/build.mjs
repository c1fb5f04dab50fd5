/**
 * Builds everything that is shipped into `lib/`: the command line, the engine's interface with its types, what travels
 * with models (the Python package, the runtime for Node), the schema of the settings file, the notices of what is bundled.
 * With `--packages` also `out/thampi-<version>.tgz` and the wheel. The same sources give the same bytes.
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import * as esbuild from 'esbuild'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const lib = join(root, 'lib')
const out = join(root, 'out')
const start = promisify(execFile)

const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

/** What bundling for the command line and for the schema have in common. */
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // ES modules where a package offers both: smaller, and dynamic imports keep their names.
  mainFields: ['module', 'main'],
  define: { __THAMPI_VERSION__: JSON.stringify(version) },
  write: false,
  logLevel: 'warning',
}

// Nothing is written before all of it could be bundled: a failed build leaves the last good one.
const [bundle, schema, page, travelling, debugging, demo] = await Promise.all([
  bundleCode(),
  settingsSchema(),
  playground(),
  bundleWhatTravels(),
  bundleDebugging(),
  demoModel(),
]).catch(failed)
await rm(join(lib, 'chunks'), { recursive: true, force: true })
await Promise.all([
  declareTypes(),
  ...[bundle, page, travelling, debugging].flatMap(({ outputFiles }) =>
    outputFiles.map(file => write(file.path, file.contents)),
  ),
  write(join(lib, 'zappa_settings.schema.json'), `${JSON.stringify(schema, null, 2)}\n`),
  ...Object.entries(demo).map(([file, bytes]) => write(join(lib, 'demo/iris-demo', file), bytes)),
  copyTemplates(),
  write(join(lib, 'THIRD_PARTY_NOTICES'), await notices(bundle.metafile)),
  write(join(root, 'python/src/thampi/_version.py'), `__version__ = "${version}"\n`).then(copyPython),
]).catch(failed)
await chmod(join(lib, 'cli.mjs'), 0o755)
if (process.argv.includes('--packages')) await packages()

function bundleCode() {
  return esbuild.build({
    ...common,
    entryPoints: { cli: 'src/cli/main.ts', index: 'src/index.ts' },
    outdir: 'lib',
    outExtension: { '.js': '.mjs' },
    chunkNames: 'chunks/[name]-[hash]',
    splitting: true,
    minify: true,
    // Licences stand together in THIRD_PARTY_NOTICES.
    legalComments: 'none',
    metafile: true,
    // CommonJS packages inside a module bundle ask for `require`.
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
  })
}

/** The runtime for Node, and what authors of models import: both end up in bundles, without the rest. */
function bundleWhatTravels() {
  return esbuild.build({
    ...common,
    entryPoints: {
      'runtime/runtime': 'src/runtime/bootstrap.ts',
      'runtime/lambda': 'src/runtime/lambda/bootstrap.ts',
      model: 'src/runtime/model.ts',
    },
    outdir: 'lib',
    outExtension: { '.js': '.mjs' },
    minify: true,
    legalComments: 'none',
  })
}

/** What a debugger stops in is read by a person: not minified. */
function bundleDebugging() {
  return esbuild.build({
    ...common,
    entryPoints: { debugging: 'src/runtime/debugging.ts' },
    outdir: 'lib',
    outExtension: { '.js': '.mjs' },
  })
}

/** The saved model of `thampi demo`: the iris model of the examples, with its data. Asked once, for its receipt. */
async function demoModel() {
  const entry = `import { labels, rows } from './data.ts'
import { Iris } from './iris.ts'
export default class extends Iris { constructor() { super(rows, labels) } }`
  const { outputFiles } = await esbuild.build({
    ...common,
    stdin: { contents: entry, resolveDir: join(root, 'examples/iris-ts'), loader: 'ts' },
    alias: { 'thampi/model': join(root, 'src/runtime/model.ts') },
  })
  const code = Buffer.from(outputFiles[0].contents)
  const { default: Model } = await import(`data:text/javascript;base64,${code.toString('base64')}`)
  const data = { input: [5.9, 3.2, 4.8, 1.8] }
  const files = {
    'model.mjs': code,
    'thampi.json': json({
      thampi_data_version: '0.1',
      trained_time_utc: '2018-09-06T22:03:04.886644',
      instance_id: '9dbc56dd-936d-4dff-953c-8c22267ebe84',
    }),
    'receipts.jsonl': `${JSON.stringify({ data, result: new Model().predict(data) })}\n`,
  }
  const digests = Object.entries(files).map(([file, bytes]) => [
    file,
    `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  ])
  const saved = { schemaVersion: 1, format: 'typescript', name: 'iris-demo', thampi: version }
  return { ...files, 'saved.json': json({ ...saved, files: Object.fromEntries(digests) }) }
}

function json(value) {
  return `${JSON.stringify(value, null, 4)}\n`
}

/** What `thampi create` writes: the examples, and beside them what an example of this repository does without. */
async function copyTemplates() {
  const target = join(lib, 'templates')
  await rm(target, { recursive: true, force: true })
  for (const [name, example] of [
    ['ts', 'iris-ts'],
    ['python', 'iris-sklearn'],
    ['onnx', 'digits-onnx'],
  ]) {
    const filter = path => !['node_modules', 'models', '__pycache__'].includes(basename(path))
    await cp(join(root, 'examples', example), join(target, name), { recursive: true, filter })
    await cp(join(root, 'templates', name), join(target, name), { recursive: true })
  }
}

/** The page that the host serves: what a browser runs, and nothing else. */
function playground() {
  return esbuild.build({
    absWorkingDir: root,
    entryPoints: ['main.ts', 'playground.css', 'playground.html', 'playground.svg'].map(
      name => `src/playground/${name}`,
    ),
    entryNames: '[name]',
    outdir: 'lib/playground',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    loader: { '.html': 'copy', '.svg': 'copy' },
    minify: true,
    write: false,
    logLevel: 'warning',
  })
}

/** Declarations of the public interface. */
async function declareTypes() {
  await rm(join(lib, 'types'), { recursive: true, force: true })
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  await start(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root })
}

/** The schema is made by the code that checks settings, so editors and the command line cannot disagree. */
async function settingsSchema() {
  const { outputFiles } = await esbuild.build({ ...common, entryPoints: ['src/settings/schema.ts'] })
  const code = Buffer.from(outputFiles[0].contents).toString('base64')
  const { zappaSettingsSchema } = await import(`data:text/javascript;base64,${code}`)
  return zappaSettingsSchema()
}

/** Licences of the packages whose code really is in the bundle. */
async function notices(metafile) {
  const names = new Set()
  for (const output of Object.values(metafile.outputs)) {
    for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]
      if (name && bytesInOutput > 0) names.add(name)
    }
  }
  const sections = await Promise.all([...names].sort().map(notice))
  return `Thampi contains code of these packages.\n\n${sections.join('\n')}`
}

async function notice(name) {
  const dir = join(root, 'node_modules', name)
  const manifest = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8'))
  const file = (await readdir(dir)).sort().find(entry => /^(licen[cs]e|copying)/i.test(entry))
  const text = file ? (await readFile(join(dir, file), 'utf8')).trim() : `Licence: ${manifest.license}`
  return `${'-'.repeat(80)}\n${name} ${manifest.version} (${manifest.license})\n\n${text}\n`
}

/** The Python package as it travels into bundles: no caches, no copy of this bundle. */
async function copyPython() {
  const source = join(root, 'python/src/thampi')
  const target = join(lib, 'python/thampi')
  await rm(target, { recursive: true, force: true })
  await cp(source, target, {
    recursive: true,
    filter: path => !['_js', '__pycache__', 'tests'].includes(basename(path)),
  })
}

async function packages() {
  await rm(out, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  const python = [join('.venv', 'bin', 'python'), join('.venv', 'Scripts', 'python.exe')]
    .map(path => join(root, path))
    .find(existsSync)
  if (!python) failed({ stderr: 'There is no .venv to build the wheel with. Fix: make setup\n' })
  const wheel = [
    '-m',
    'pip',
    'wheel',
    '--quiet',
    '--disable-pip-version-check',
    '--no-deps',
    '--wheel-dir',
    out,
    '.',
  ]
  await Promise.all([
    start('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', out], { cwd: root }),
    start(python, wheel, { cwd: root }),
  ]).catch(failed)
  for (const name of (await readdir(out)).sort()) console.log(join('out', name))
}

/** The compilers have said what is wrong; a stack of this script would only hide it. */
function failed(error) {
  // esbuild writes its messages itself, the output of other programs comes with the error.
  process.stderr.write(error.errors ? '' : `${error.stdout ?? ''}${error.stderr ?? error.stack}`)
  process.exit(1)
}

async function write(path, content) {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
