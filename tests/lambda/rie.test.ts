/** The contracts hold in Amazon's own emulator too: the same functions, the same clients, another Runtime API. */
import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import {
  contract,
  eventOf,
  expectEvent,
  expectHttp,
  type Front,
  type Request,
} from '../support/lambda/contract.ts'
import type { ManifestChanges } from '../support/lambda/manifest.ts'
import { nodeFunction } from '../support/lambda/node-function.ts'
import { pythonFunction, pythonLayer, savedByContract } from '../support/lambda/python-function.ts'
import { type Emulated, emulated, emulator } from '../support/lambda/rie.ts'
import { newerPackages } from '../support/newer-model.ts'
import { amazonClient, newerNode } from '../support/newer-node.ts'
import { newerPython } from '../support/newer-python.ts'
import { saveSource } from '../support/node-runtime.ts'
import type { FunctionOptions } from '../support/runtime-api.ts'

type Json = Readonly<Record<string, unknown>>

interface AnswerCase extends Omit<Request, 'method' | 'path' | 'base64'> {
  readonly name: string
  readonly model: string
  readonly pretty?: boolean
  readonly status: number
  readonly response?: string
  readonly problem?: Json
  /** What is different in JavaScript. */
  readonly node?: { readonly response?: string; readonly problem?: Json }
}

const answers = JSON.parse(readFileSync('contract/answers.json', 'utf8')) as {
  readonly properties: Json
  readonly cases: readonly AnswerCase[]
}

/** A model of the contracts becomes the options of a function; those that stand in both files are taken from the first. */
type Lay = (model: string, changes: ManifestChanges) => Promise<Omit<FunctionOptions, 'handler'>>

const models = [
  ...new Set([...contract.requests, ...contract.events, ...answers.cases].map(({ model }) => model)),
]
/** All at once: what takes its time is the start of the Python that saves them. */
let savedInPython: ReadonlyMap<string, string> | undefined

function pythonNameOf(model: string): string {
  return `${homeOf(model, 'python/tests', ['contract_models', 'contract_doors'], '.py')}.${model}`
}

async function inPython(model: string, changes: ManifestChanges): Promise<Omit<FunctionOptions, 'handler'>> {
  const found = await newerPackages()
  savedInPython ??= savedByContract(models.map(pythonNameOf), found)
  const saved = savedInPython.get(pythonNameOf(model)) as string
  const taskRoot = pythonFunction(saved, changes)
  return { taskRoot, layerRoot: pythonLayer(found), runtime: 'python3.13', program: found.program }
}

async function inNode(model: string, changes: ManifestChanges): Promise<Omit<FunctionOptions, 'handler'>> {
  const home = homeOf(model, 'tests/support', ['contract-models', 'contract-doors'], '.ts')
  const { instance_id, trained_time_utc } = answers.properties
  const source = `export { ${model} as default } from './tests/support/${home}.ts'`
  const saved = await saveSource(source, { instance_id, trained_time_utc })
  const places = { program: pathOf(node), runtimeRoot: pathOf(client) }
  return { taskRoot: await nodeFunction(saved, changes), runtime: 'nodejs24.x', ...places }
}

function homeOf(model: string, dir: string, files: readonly string[], suffix: string): string {
  const declares = new RegExp(`class ${model}\\b`)
  const home = files.find(file => declares.test(readFileSync(`${dir}/${file}${suffix}`, 'utf8')))
  if (home === undefined) throw new Error(`no model ${model} in ${files.join(' or ')}`)
  return home
}

type Found = { readonly path: string } | { readonly missing: string }
const [rie, python, node, client]: Found[] = [
  await emulator(),
  await newerPython(),
  await newerNode('24'),
  await amazonClient(),
] as const

function pathOf(found: Found | undefined): string {
  return found && 'path' in found ? found.path : ''
}

const languages: [string, Lay, boolean, (Found | undefined)[]][] = [
  ['Python 3.13', inPython, false, [rie, python]],
  ["Node 24 in Amazon's client", inNode, true, [rie, node, client]],
]

const [httpApi] = contract.fronts as [Front]
const onFronts = contract.requests.flatMap(each =>
  contract.fronts.map(front => [each.name, front.name, each, front] as const),
)

for (const [name, lay, isNode, needed] of languages) {
  const missing = needed.flatMap(each => (each && 'missing' in each ? [each.missing] : []))
  const why = missing.map(reason => ` (not here: ${reason})`).join('')
  describe.skipIf(why !== '')(`${name}${why}`, () => {
    /** By model and manifest. */
    const functions = new Map<string, Promise<Emulated>>()
    afterAll(async () => {
      for (const each of functions.values()) await (await each).close()
    })

    async function start(model: string, changes: ManifestChanges): Promise<Emulated> {
      return emulated(pathOf(rie), {
        ...(await lay(model, { key: contract.key, ...changes })),
        ...{ handler: 'thampi_handler.handler', version: String(contract.version), memoryMb: 1024 },
        timeoutSeconds: contract.remainingMs / 1000,
      })
    }

    async function ask(
      model: string,
      changes: ManifestChanges,
      event: unknown,
    ): ReturnType<Emulated['invoke']> {
      const key = JSON.stringify([model, changes])
      const fn = functions.get(key) ?? start(model, changes)
      functions.set(key, fn)
      return (await fn).invoke(event, { requestId: contract.requestId })
    }

    it.each(onFronts)('%s (%s)', async (_name, _front, each, front) => {
      expectHttp(await ask(each.model, each.manifest ?? {}, eventOf(front, each.request)), each)
    })

    it.each(contract.events.map(each => [each.name, each] as const))('%s', async (_, each) => {
      expectEvent(await ask(each.model, {}, each.event), each)
    })

    it('it is the emulator that has asked', async () => {
      const fn = await functions.get(JSON.stringify(['Iris', {}]))
      expect(fn?.log).toContain(`START RequestId: ${contract.requestId} Version: ${contract.version}\n`)
      expect(fn?.log).toContain('(rapid) INVOKE START')
    })

    it.each(answers.cases.map(each => [each.name, each] as const))('%s', async (_, each) => {
      const query = each.pretty ? { query: 'pretty' } : {}
      const request = { ...each, ...query, method: 'POST', path: '/mymodel/predict', base64: true }
      const said = await ask(each.model, {}, eventOf(httpApi, request))
      expect(said.functionError, said.payload.toString()).toBeUndefined()
      const { statusCode, body } = JSON.parse(said.payload.toString())
      expect(statusCode, body).toBe(each.status)
      const { response } = { ...each, ...(isNode ? each.node : {}) }
      if (response !== undefined) expect(body).toBe(response)
      else {
        const problem = { ...each.problem, ...(isNode ? each.node?.problem : {}) }
        const about = { model: 'mymodel', stage: 'staging', version: contract.version }
        expect(JSON.parse(body)).toMatchObject({ ...problem, ...about })
      }
    })
  })
}
