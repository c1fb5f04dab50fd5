/** What a project directory holds that no prediction needs: left out by default, and named when it is. */
import { parsePattern } from './patterns.ts'

/** Why something stays behind, in the words of the packing report. */
export type Reason =
  | 'version control'
  | 'virtual environment'
  | 'installed packages'
  | 'cache'
  | 'saved model'
  | 'notebook'
  | 'data'
  | 'build output'
  | 'editor files'
  | 'settings'
  | 'files of Thampi'
  | 'excluded by the settings'
  | 'secret'
  | 'not a regular file'
  | 'broken link'

type Rule = readonly [Reason, ReadonlySet<string>]

const directories: readonly Rule[] = [
  ['version control', names('.git .hg .svn .bzr CVS .jj')],
  ['installed packages', names('node_modules site-packages __pypackages__ .eggs')],
  [
    'cache',
    names(
      '__pycache__ .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .tox .nox .ipynb_checkpoints .parcel-cache .pixi',
    ),
  ],
  ['data', names('mlruns wandb lightning_logs .dvc')],
  ['build output', names('htmlcov')],
  ['editor files', names('.idea .vscode .vs .fleet')],
]

/** Only at the top of a project: deeper down these are ordinary names of packages. */
const topDirectories: Rule = ['build output', names('build dist out target')]

const endings: readonly Rule[] = [
  ['cache', names('pyc pyo swp swo')],
  ['notebook', names('ipynb')],
  [
    'data',
    names(
      'csv tsv xls xlsx parquet feather arrow orc avro h5 hdf5 hdf nc npy npz mat rds rdata sav dta sas7bdat pkl pickle joblib pt pth ckpt safetensors onnx sqlite sqlite3 db duckdb zip tar gz tgz bz2 xz zst 7z rar mp3 mp4 wav avi mov mkv jpg jpeg png tif tiff gif log',
    ),
  ],
]

const files: readonly Rule[] = [
  ['version control', names('.gitignore .gitattributes .gitmodules .mailmap')],
  ['editor files', names('.DS_Store Thumbs.db desktop.ini')],
  ['cache', names('.coverage')],
  ['settings', names('zappa_settings.json zappa_settings.toml zappa_settings.yml zappa_settings.yaml')],
]

/** A directory is known by what it holds as well as by its name; `inside` are the names in it. */
export function reasonForDirectory(path: string, inside: readonly string[]): Reason | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const byName = directories.find(([, known]) => known.has(name))
  if (byName) return byName[0]
  if (inside.includes('pyvenv.cfg') || inside.includes('conda-meta')) return 'virtual environment'
  if (inside.includes('thampi.json') && inside.some(file => /^model\.[a-z]+$/.test(file)))
    return 'saved model'
  if (name.endsWith('.egg-info') || name.endsWith('.dist-info')) return 'build output'
  // What `thampi package` wrote, wherever that is.
  if (inside.includes('thampi-package.json')) return 'build output'
  // A package of Python that happens to be called `build` stays.
  if (!path.includes('/') && topDirectories[1].has(name) && !inside.includes('__init__.py'))
    return topDirectories[0]
  return undefined
}

export function reasonForFile(path: string): Reason | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1)
  const byName = files.find(([, known]) => known.has(name))
  if (byName) return byName[0]
  // `.#train.py` and `train.py~` are what an open editor leaves beside a file.
  if (name.startsWith('.#') || name.endsWith('~')) return 'editor files'
  const dot = name.lastIndexOf('.')
  const ending = dot > 0 ? name.slice(dot + 1).toLowerCase() : ''
  return endings.find(([, known]) => known.has(ending))?.[0]
}

/** The user's own patterns: `exclude` and `exclude_glob` of the settings file. */
export function excludedBy(patterns: readonly string[]): (path: string, isDirectory: boolean) => boolean {
  const parsed = patterns.map(parsePattern)
  return (path, isDirectory) => parsed.some(pattern => pattern(path, isDirectory))
}

function names(list: string): ReadonlySet<string> {
  return new Set(list.split(' '))
}
