/** What a conda file asks for, in pip's spelling. The packages come from the same index as everybody else's. */
import { parseDocument } from 'yaml'
import { ThampiError } from '../errors.ts'

export interface CondaFile {
  /** A requirements text. */
  readonly text: string
  /** `3.6` of `python=3.6.7`. */
  readonly python: string | undefined
  readonly notices: readonly string[]
}

/** Told by content, never by name: the tutorial saves one as `requirements.txt`. */
export function isCondaFile(text: string): boolean {
  return /^dependencies\s*:/m.test(text) || isExport(text)
}

/** Names of conda that another name on the package index stands for. */
const otherNames: ReadonlyMap<string, string> = new Map([
  ['pytorch', 'torch'],
  ['pytorch-cpu', 'torch'],
  ['pytorch-gpu', 'torch'],
  ['py-xgboost', 'xgboost'],
  ['py-xgboost-cpu', 'xgboost'],
  ['msgpack-python', 'msgpack'],
  ['opencv', 'opencv-python-headless'],
  ['py-opencv', 'opencv-python-headless'],
  ['pytables', 'tables'],
  ['matplotlib-base', 'matplotlib'],
  ['seaborn-base', 'seaborn'],
  ['dask-core', 'dask'],
  ['tensorflow-base', 'tensorflow'],
  ['tensorflow-gpu', 'tensorflow'],
  ['tensorflow-mkl', 'tensorflow'],
  ['faiss', 'faiss-cpu'],
  ['python-graphviz', 'graphviz'],
  ['python-annoy', 'annoy'],
  ['ruamel_yaml', 'ruamel.yaml'],
  ['lightgbm-cpu', 'lightgbm'],
])

/** Compilers, system libraries and tools: wheels bring their own, or they belong to no model. */
const SYSTEM = new RegExp(
  `^(_.*|lib(?!rosa$|svm$|sass$|cst$|nacl$|clang$|tmux$|archive-c$).*|r-.*|m2w64-.*|font-.*|gcc.*|gxx.*|clang.*|ld_impl_.*|.*_(linux|osx|win)-\\d+|(${[
    'mkl mkl-service mkl_fft mkl_random cudatoolkit cudnn nccl cuda.* nomkl blas openblas intel-openmp llvm-openmp tbb',
    'openssl ca-certificates zlib xz zstd bzip2 lz4-c tk readline ncurses libffi sqlite expat icu pcre yaml gmp mpfr mpc',
    'hdf5 netcdf jpeg freetype giflib glib gettext gstreamer qt qt-main pyqt ffmpeg arrow-cpp snappy blosc c-blosc2',
    'vc vc14_runtime vs2015_runtime ucrt nodejs git cmake make ninja tzdata python_abi conda conda-.* mamba pip graphviz',
  ]
    .join(' ')
    .split(' ')
    .join('|')}))$`,
)

/**
 * @param shown how messages name the file
 * @throws ThampiError REQUIREMENTS_INVALID when it is no YAML, or a line has no package
 * @example
 * readCondaFile('dependencies:\n  - numpy=1.15.*\n', 'requirements.txt').text // 'numpy==1.15.*\n'
 */
export function readCondaFile(text: string, shown: string): CondaFile {
  const { specs, pip, channels } = isExport(text) ? exported(text) : fromYaml(text, shown)
  const lines: string[] = []
  const system: string[] = []
  let python: string | undefined
  for (const spec of specs) {
    const { name, version } = parseSpec(spec, shown)
    if (name === 'python') python = /\d+\.\d+/.exec(version)?.[0] ?? python
    else if (SYSTEM.test(name)) system.push(name)
    else lines.push((otherNames.get(name) ?? name) + version)
  }
  const notices: string[] = []
  if (system.length > 0) {
    notices.push(`Not taken from ${shown}, because wheels bring their own: ${system.join(', ')}.`)
  }
  if (channels.some(channel => channel !== 'defaults' && channel !== 'conda-forge')) {
    notices.push(`Channels of ${shown} are not used (${channels.join(', ')}): packages come as wheels.`)
  }
  return { text: [...lines, ...pip, ''].join('\n'), python, notices }
}

interface Parts {
  readonly specs: readonly string[]
  /** Lines that are pip's already. */
  readonly pip: readonly string[]
  readonly channels: readonly string[]
}

function fromYaml(text: string, shown: string): Parts {
  const document = parseDocument(text, { prettyErrors: true })
  const [error] = document.errors
  if (error) {
    throw invalid(`${shown} looks like a conda file, but is not YAML.`, error.message.split('\n')[0])
  }
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  const { dependencies, channels } = isRecord(value) ? value : {}
  if (!Array.isArray(dependencies)) throw invalid(`${shown}: "dependencies" is not a list.`)
  const specs: string[] = []
  const pip: string[] = []
  for (const item of dependencies) {
    if (typeof item === 'string') specs.push(item)
    else if (isRecord(item) && Array.isArray(item.pip)) pip.push(...item.pip.map(String))
    else throw invalid(`${shown}: ${JSON.stringify(item)} is neither a package nor a list \`pip:\`.`)
  }
  return { specs, pip, channels: Array.isArray(channels) ? channels.map(String) : [] }
}

/** `conda list --export`: `numpy=1.15.4=py37h7e9124_0` on every line. */
function isExport(text: string): boolean {
  const lines = withoutComments(text)
  return lines.length > 0 && lines.every(line => /^[A-Za-z0-9_][\w.-]*=[^=\s]+=[^=\s]+$/.test(line))
}

function exported(text: string): Parts {
  const lines = withoutComments(text)
  const isPip = (line: string): boolean => /=pypi(_\d+)?$/.test(line)
  const pip = lines.filter(isPip).map(line => line.replace(/^([^=]+)=([^=]+)=.*$/, '$1==$2'))
  return { specs: lines.filter(line => !isPip(line)), pip, channels: [] }
}

function withoutComments(text: string): string[] {
  return text
    .split(/\r?\n/)
    .map(line => line.trim())
    .filter(line => line !== '' && !line.startsWith('#'))
}

/** `conda-forge::numpy=1.15.4=py37h…`, `numpy 1.15.*`, `numpy >=1.0,<2`, `numpy[version='>=1']`. */
function parseSpec(spec: string, shown: string): { name: string; version: string } {
  const bare = spec.replace(/\s*#.*$/, '').trim()
  const match =
    /^(?:[^\s:]*::)?([A-Za-z0-9_][\w.-]*?)\s*(?:\[version=["']?([^"'\]]*)["']?.*\]|([=<>!~\s].*))?$/.exec(
      bare,
    )
  const name = match?.[1]
  if (name === undefined) throw invalid(`${shown}: "${spec}" is no package of conda.`)
  const wanted = (match?.[2] ?? match?.[3] ?? '').trim()
  return { name: name.toLowerCase(), version: pipVersion(wanted) }
}

/**
 * conda's `=1.15` means 1.15 and what follows it; with three numbers or more people mean that very version. Behind a version may stand
 * the name of a build, which no wheel has.
 */
function pipVersion(wanted: string): string {
  if (wanted === '' || wanted === '*') return ''
  const [, operator = '', version = ''] = /^(={1,2}|)\s*([^=<>!~,|\s]+)(?:[=\s].*)?$/.exec(wanted) ?? []
  if (version === '') return wanted.split('|')[0]?.replace(/\s+/g, '') ?? ''
  if (version === '*') return ''
  const exact = operator === '==' || version.split('.').length > 2
  if (version.endsWith('*')) return `==${version.replace(/\.?\*$/, '.*')}`
  return exact ? `==${version}` : `==${version}.*`
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function invalid(message: string, why?: string): ThampiError {
  return new ThampiError('REQUIREMENTS_INVALID', { message, why, fix: 'pip freeze > requirements.txt' })
}
