/** The verb `diff`: what is different between two versions, or a version and a saved model: also in their answers. */
import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import { notDeployed } from './info.ts'
import { compare, type Difference, resultOf } from './model/answers.ts'
import { readModel } from './model/read.ts'
import type { Properties, Receipt } from './model/saved-model.ts'
import { defaultTolerances, type Tolerances } from './model/tolerances.ts'
import type { Platform, Version } from './platforms/platform.ts'
import { largestOf } from './prove.ts'
import type { Digest } from './system/files.ts'

/** Undefined on the side that has none. */
export interface Change {
  readonly name: string
  readonly a: string | undefined
  readonly b: string | undefined
}

export interface AnswerChange {
  /** The example's input as JSON text. */
  readonly data: string
  readonly differences: readonly Difference[]
}

export interface Diff {
  readonly a: string
  readonly b: string
  readonly properties: readonly Change[]
  /** Undefined when a side does not know its packages. */
  readonly packages: readonly Change[] | undefined
  /** Files of the project by digest; undefined when a side is a saved model, which has no project. */
  readonly code: readonly Change[] | undefined
  readonly answers: {
    /** How many examples both sides answered. */
    readonly compared: number
    readonly changed: readonly AnswerChange[]
    /** The largest distance between two numbers. */
    readonly largest: Difference | undefined
  }
  readonly isSame: boolean
}

/** One of the two things that are compared. */
interface Side {
  readonly name: string
  readonly properties: Properties
  /** Name → version. */
  readonly packages: ReadonlyMap<string, string> | undefined
  /** False for a saved model, which knows only the packages that its pickle names. */
  readonly knowsAllPackages: boolean
  readonly code: Readonly<Record<string, Digest>> | undefined
  readonly receipts: readonly Receipt[]
  readonly tolerances: Tolerances
  /** The result for an input, both as JSON text; undefined when that is not known. */
  answer(data: string): Promise<string | undefined>
}

/**
 * Compares two sides, each `STAGE@VERSION`, `STAGE` (the version with the most traffic) or a saved model's directory.
 * Versions are asked the recorded examples of both sides; a directory answers with what it recorded.
 *
 * @example
 * const { answers } = await diff('staging@12', 'staging@13', engine)
 * console.log(`${answers.changed.length} of ${answers.compared} differ`)
 * @throws ThampiError ENV_UNKNOWN, NOT_DEPLOYED, VERSION_UNKNOWN, MODEL_MISSING, MODEL_INVALID
 */
export async function diff(first: string, second: string, engine: Engine): Promise<Diff> {
  const [a, b] = [await sideOf(first, engine), await sideOf(second, engine)]
  const properties = changes(propertiesOf(a), propertiesOf(b))
  const packages = packageChanges(a, b)
  const code = a.code && b.code && changes(mapOf(a.code), mapOf(b.code))
  const answers = await answerChanges(a, b)
  const found = [properties, packages ?? [], code ?? [], answers.changed]
  const isSame = found.every(list => list.length === 0)
  return { a: a.name, b: b.name, properties, packages, code, answers, isSame }
}

async function sideOf(words: string, engine: Engine): Promise<Side> {
  const [, stage, number] = /^([^@/\\]+)@([1-9]\d{0,8})$/.exec(words) ?? []
  if (stage !== undefined && number !== undefined) return versionSide(stage, Number(number), engine)
  const { cwd } = engine.system
  const isDirectory = /[/\\]/.test(words) || (await stat(resolve(cwd, words)).catch(() => undefined))
  return isDirectory ? modelSide(words, engine) : versionSide(words, undefined, engine)
}

async function versionSide(stageName: string, number: number | undefined, engine: Engine): Promise<Side> {
  const stage = engine.settings.stage(stageName)
  const platform = await engine.platformFor(stage)
  const deployment = await platform.find(stage)
  if (!deployment) throw notDeployed(stage, platform)
  const [most] = [...deployment.weights].sort(([, x], [, y]) => y - x)
  const wanted = number ?? most?.[0]
  const versions = await platform.versions(stage)
  const version = versions.find(candidate => candidate.number === wanted)
  if (!version) {
    throw new ThampiError('VERSION_UNKNOWN', {
      message: `${stage.name} has no version ${wanted}.`,
      why: `There are: ${versions.map(known => known.number).join(', ')}.`,
      fix: `thampi versions ${stage.name}`,
    })
  }
  const { properties, packages, code, evidence } = await platform.contents(version)
  return {
    name: `${stage.name}@${version.number}`,
    properties,
    packages: packages && new Map(packages.map(packageOf)),
    knowsAllPackages: true,
    code,
    receipts: evidence?.receipts ?? [],
    tolerances: evidence?.tolerances ?? defaultTolerances,
    answer: data => asked(platform, version, data),
  }
}

/** An answer that is an error stands for itself: the same error is no difference. */
async function asked(platform: Platform, version: Version, data: string): Promise<string> {
  const { status, body } = await platform.send(version, Buffer.from(`{"data":${data}}`))
  const text = body.toString('utf8')
  if (status < 400) return resultOf(text)
  const { code, detail } = JSON.parse(text) as { code?: string; detail?: string }
  return JSON.stringify({ error: { status, code, detail } })
}

async function modelSide(dir: string, engine: Engine): Promise<Side> {
  const model = await readModel(dir, engine.system.cwd)
  const recorded = new Map(model.receipts.map(({ data, result }) => [data, result]))
  const packages = Object.values(model.made.packages).map(({ distribution, version }) =>
    packageOf(`${distribution}==${version}`),
  )
  return {
    name: dir,
    properties: model.properties,
    packages: packages.length > 0 ? new Map(packages) : undefined,
    knowsAllPackages: false,
    code: undefined,
    receipts: model.receipts,
    tolerances: model.tolerances ?? defaultTolerances,
    answer: async data => recorded.get(data),
  }
}

/** `Scikit_Learn==1.8.0`, under the one spelling of its name. */
function packageOf(line: string): [string, string] {
  const [name = '', version = ''] = line.split('==')
  return [name.toLowerCase().replace(/[-_.]+/g, '-'), version]
}

function propertiesOf({ properties }: Side): Map<string, string> {
  const texts = Object.entries(properties).map(([key, value]): [string, string] => [
    key,
    typeof value === 'string' ? value : (JSON.stringify(value) ?? 'null'),
  ])
  return new Map(texts)
}

function packageChanges(a: Side, b: Side): Change[] | undefined {
  if (!a.packages || !b.packages) return undefined
  const found = changes(a.packages, b.packages)
  // What a saved model does not name it may all the same need.
  return found.filter(
    change =>
      (a.knowsAllPackages || change.a !== undefined) && (b.knowsAllPackages || change.b !== undefined),
  )
}

function changes(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): Change[] {
  const names = [...new Set([...a.keys(), ...b.keys()])].sort()
  return names.map(name => ({ name, a: a.get(name), b: b.get(name) })).filter(change => change.a !== change.b)
}

function mapOf(record: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(Object.entries(record))
}

async function answerChanges(a: Side, b: Side): Promise<Diff['answers']> {
  const inputs = new Set([...a.receipts, ...b.receipts].map(({ data }) => data))
  const changed: AnswerChange[] = []
  let compared = 0
  for (const data of inputs) {
    const [before, after] = [await a.answer(data), await b.answer(data)]
    if (before === undefined || after === undefined) continue
    compared++
    const { differences } = compare(before, after, b.tolerances)
    if (differences.length > 0) changed.push({ data, differences })
  }
  return { compared, changed, largest: largestOf(changed.flatMap(({ differences }) => differences)) }
}
