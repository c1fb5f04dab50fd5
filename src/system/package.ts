/** Where the parts of this installation are: the command line's own file, and the Python package that travels. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ThampiError } from '../errors.ts'

export interface Installation {
  /** `cli.mjs`, to start ourselves again. */
  readonly cli: string
  /** A directory that holds the Python package `thampi`. */
  readonly pythonDir: string
  /** What the playground is made of: a page, its script and its styles. */
  readonly playgroundDir: string
  /** A directory that holds the runtime for Node, `runtime.mjs`. */
  readonly nodeDir: string
  /** The program of `replay --inspect`. */
  readonly debugging: string
  /** Holds the saved model of `thampi demo`. */
  readonly demoDir: string
  /** The projects that `thampi create` starts. */
  readonly templatesDir: string
}

/**
 * The bundle lies in `lib/` (npm, checkout) or in `thampi/_js/` (wheel), this code in it, in its `chunks/`,
 * or, when it runs from source, two levels beside it.
 */
export function installation(): Installation {
  const here = dirname(fileURLToPath(import.meta.url))
  const lib = [here, dirname(here), join(here, '..', '..', 'lib')].find(dir =>
    existsSync(join(dir, 'cli.mjs')),
  )
  // In a wheel the Python package is the directory around ours; elsewhere the build put a copy beside the bundle.
  const pythonDir =
    lib &&
    [join(lib, 'python'), join(lib, '..', '..')].find(dir => existsSync(join(dir, 'thampi', 'runtime')))
  if (!lib || !pythonDir) {
    throw new ThampiError('INTERNAL', {
      message: `The installation is incomplete: ${lib ? 'the Python runtime' : 'cli.mjs'} is missing near "${here}".`,
      fix: 'install thampi again; in a checkout: npm run build',
    })
  }
  return {
    cli: join(lib, 'cli.mjs'),
    pythonDir,
    nodeDir: join(lib, 'runtime'),
    debugging: join(lib, 'debugging.mjs'),
    demoDir: join(lib, 'demo'),
    templatesDir: join(lib, 'templates'),
    playgroundDir: join(lib, 'playground'),
  }
}
