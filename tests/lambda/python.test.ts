/** contract/lambda.json holds for Python functions in Amazon's own client, laid out as Lambda lays them out. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contract, eventOf, expectEvent, expectHttp } from '../support/lambda/contract.ts'
import type { ManifestChanges } from '../support/lambda/manifest.ts'
import {
  type PythonAtHand,
  pythonFunction,
  pythonHere,
  pythonLayer,
  savedByContract,
} from '../support/lambda/python-function.ts'
import { newerPackages } from '../support/newer-model.ts'
import { newerPython } from '../support/newer-python.ts'
import { type Invocation, type RunningFunction, runFunction } from '../support/runtime-api.ts'

const newer = await newerPython()
const pythons: [string, string, string | undefined, () => Promise<PythonAtHand>][] = [
  ["the tests' own Python", 'python3.11', undefined, async () => pythonHere()],
  ['Python 3.13', 'python3.13', 'missing' in newer ? newer.missing : undefined, newerPackages],
]

const wanted = [...contract.requests, ...contract.events]
const models = [...new Set(wanted.map(({ model }) => nameOf(model)))]

/** Those that stand in both files are taken from the first. */
function nameOf(model: string): string {
  const file = ['contract_models', 'contract_doors'].find(name =>
    readFileSync(`python/tests/${name}.py`, 'utf8').includes(`class ${model}`),
  )
  return `${file}.${model}`
}

for (const [name, runtime, missing, python] of pythons) {
  describe.skipIf(missing !== undefined)(`${name}${missing === undefined ? '' : `: ${missing}`}`, () => {
    /** By model and manifest. */
    const functions = new Map<string, Promise<RunningFunction>>()
    let saved: ReadonlyMap<string, string>
    let layerRoot: string
    let program: string

    beforeAll(async () => {
      const found = await python()
      program = found.program
      saved = savedByContract(models, found)
      layerRoot = pythonLayer(found)
    })
    afterAll(async () => {
      for (const each of functions.values()) await (await each).close()
    })

    async function ask(model: string, changes: ManifestChanges, event: unknown): Promise<Invocation> {
      const key = JSON.stringify([model, changes])
      const taskRoot = (): string => pythonFunction(saved.get(nameOf(model)) as string, changes)
      const fn =
        functions.get(key) ??
        runFunction({
          ...{ taskRoot: taskRoot(), layerRoot, runtime, program, handler: 'thampi_handler.handler' },
          ...{ version: String(contract.version), memoryMb: 512 },
          timeoutSeconds: contract.remainingMs / 1000,
        })
      functions.set(key, fn)
      return (await fn).invoke(event, { requestId: contract.requestId })
    }

    describe.each(contract.fronts.map(front => [front.name, front] as const))('%s', (_, front) => {
      it.each(contract.requests.map(each => [each.name, each] as const))('%s', async (_name, each) => {
        expectHttp(await ask(each.model, each.manifest ?? {}, eventOf(front, each.request)), each)
      })
    })

    it.each(contract.events.map(each => [each.name, each] as const))('%s', async (_, each) => {
      expectEvent(await ask(each.model, {}, each.event), each)
    })

    it('a direct call is answered in the words of JSON, also where text is not ASCII', async () => {
      const { payload } = await ask('Echo', {}, { data: 'größe 🙂' })
      expect(JSON.parse(payload.toString()).result).toBe('größe 🙂')
    })

    it('half a character, which no client could send on, is refused and the process lives on', async () => {
      const refused = await ask('Fixed', {}, { data: 'surrogate' })
      expect(refused.functionError).toBe('Unhandled')
      const said = JSON.parse(refused.payload.toString())
      expect(JSON.parse(said.errorMessage)).toMatchObject({ code: 'result-not-serialisable', version: 7 })
      const next = await ask('Fixed', {}, { data: 'tuple' })
      expect(next.initMs).toBeUndefined()
      expect(next.functionError).toBeUndefined()
    })
  })
}
