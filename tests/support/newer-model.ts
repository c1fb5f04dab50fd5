/** Models that were trained and saved with the newer Python, for what packs them for a machine that has it. */
import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from '../../src/bundle/installers/lock.ts'
import { digestOf } from '../../src/system/files.ts'
import { pinned } from './doors.ts'
import { newerPython } from './newer-python.ts'
import { temporaryDirectory } from './python.ts'

const start = promisify(execFile)

/** What the training scripts of the tests import, in the project's own versions. */
const requirements = ['cloudpickle', 'numpy', 'scikit-learn'].map(pinned)

/**
 * Runs a training script with the newer Python, scikit-learn, numpy, cloudpickle and the SDK; the script saves its
 * model as `./model`. Without `source` it is the one of the tutorial, iris flowers.
 *
 * @returns the saved model's directory; it goes when the test file ends
 * @throws Error when this machine cannot have the newer Python: ask `newerPython()` first
 * @example
 * const dir = await savedWithNewerPython()
 * const sum = await savedWithNewerPython('import thampi\nclass Sum(thampi.Model): …\nthampi.save(Sum(), "model", ".")')
 */
export async function savedWithNewerPython(source: string = iris): Promise<string> {
  const { program, packages } = await newerPackages()
  const dir = temporaryDirectory()
  await writeFile(join(dir, 'train.py'), source)
  const PYTHONPATH = `${packages}:${resolve('python/src')}`
  await start(program, ['train.py'], { cwd: dir, env: { ...process.env, PYTHONPATH, THAMPI_QUIET: '1' } })
  return join(dir, 'model')
}

const iris = `
import numpy as np
import thampi
from sklearn import datasets
from sklearn.neighbors import KNeighborsClassifier

class Iris(thampi.Model):
    def __init__(self, classifier):
        super().__init__()
        self.classifier = classifier

    def predict(self, args, context):
        return {"result": int(self.classifier.predict(np.array([args["input"]]))[0])}

data = datasets.load_iris()
classifier = KNeighborsClassifier().fit(data.data, data.target)
thampi.save(Iris(classifier), "model", ".", input_example={"input": [5.9, 3.2, 4.8, 1.8]})
`

/**
 * The packages, as `pip install --target` leaves them; installed once and kept beside the Python.
 *
 * @returns the newer Python and the directory that belongs on its `PYTHONPATH`
 */
export async function newerPackages(): Promise<{ readonly program: string; readonly packages: string }> {
  const newer = await newerPython()
  if ('missing' in newer) throw new Error(`there is no newer Python: ${newer.missing}`)
  const home = resolve('.pythons', '3.13')
  const packages = join(home, `packages-${digestOf(requirements.join()).slice(-16)}`)
  if (existsSync(packages)) return { program: newer.path, packages }
  await withLock(
    `${packages}.lock`,
    () => {},
    async () => {
      if (existsSync(packages)) return
      const attempt = mkdtempSync(join(home, 'installing-'))
      const options = ['--quiet', '--disable-pip-version-check', '--only-binary=:all:', '--target', attempt]
      await start(newer.path, ['-m', 'pip', 'install', ...options, ...requirements], { maxBuffer: 1e8 })
      await rename(attempt, packages)
    },
  )
  return { program: newer.path, packages }
}
