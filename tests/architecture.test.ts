/** The floors of the house: imports go down, never sideways between rooms, never up. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'

const floors: Record<string, number> = {
  cli: 5,
  'index.ts': 5,
  platforms: 3,
  bundle: 2,
  gateway: 2,
  sandbox: 2,
  api: 2,
  authoring: 2,
  model: 1,
  settings: 1,
  wire: 1,
  // Travels with bundles: it imports the wire and nothing else, see below.
  runtime: 1.5,
  system: 0,
  // Everybody may throw, also the machine room.
  'errors.ts': -1,
  // What a browser runs: it imports nothing of ours.
  playground: -2,
}
const verbs = 4
const separate = ['platforms/local', 'platforms/aws']

it('every import goes down a floor or stays in its room', () => {
  const wrong: string[] = []
  for (const file of sources()) {
    for (const target of importsOf(file)) {
      if (!isAllowed(file, target)) wrong.push(`${file} → ${target}`)
    }
  }
  expect(wrong).toEqual([])
})

it('the runtime, which travels, imports the wire and nothing else', () => {
  const outside = sources()
    .filter(file => roomOf(file) === 'runtime')
    .flatMap(file => importsOf(file).map(target => [file, target] as const))
    .filter(([, target]) => roomOf(target) !== 'runtime' && roomOf(target) !== 'wire')
  expect(outside).toEqual([])
  expect(sources()).toContain('runtime/sandbox.ts')
})

it('the SDK of AWS is loaded by what serves on AWS, when it asks for a service', () => {
  const loads =
    /^import (?!type )[^'\n]*(?:\{[^}]*\} )?from '(@aws-sdk\/[^']+|\.{1,2}\/(?:[^']*\/)?services\/[^']+)'/m
  const users = sources().filter(file => loads.test(readFileSync(join('src', file), 'utf8')))
  expect(users).toContain('platforms/aws/services/lambda.ts')
  expect(users.filter(file => !file.startsWith('platforms/aws/services/'))).toEqual([])
})

it('the test sees the imports it judges', () => {
  expect(importsOf('bundled.ts')).toContain('bundle/bundle-model.ts')
  expect(isAllowed('wire/frame.ts', 'sandbox/pool.ts')).toBe(false)
  expect(isAllowed('gateway/gateway.ts', 'sandbox/pool.ts')).toBe(false)
  expect(isAllowed('platforms/local/local.ts', 'platforms/aws/aws.ts')).toBe(false)
})

function sources(): string[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
    path => path.endsWith('.ts') && !path.endsWith('.test.ts'),
  )
}

function importsOf(file: string): string[] {
  const text = readFileSync(join('src', file), 'utf8')
  const specifiers = [...text.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']+)'/g)].map(
    match => match[1] as string,
  )
  return specifiers
    .map(specifier => join(dirname(file), specifier))
    .filter(target => !target.startsWith('..'))
}

function isAllowed(from: string, to: string): boolean {
  const [fromRoom, toRoom] = [roomOf(from), roomOf(to)]
  const [one, other] = separate.map(room => [from.startsWith(`${room}/`), to.startsWith(`${room}/`)])
  if ((one?.[0] && other?.[1]) || (other?.[0] && one?.[1])) return false
  return (
    fromRoom === toRoom ||
    floorOf(toRoom) < floorOf(fromRoom) ||
    (floorOf(fromRoom) === verbs && floorOf(toRoom) === verbs)
  )
}

function roomOf(path: string): string {
  return path.split('/')[0] as string
}

function floorOf(room: string): number {
  return floors[room] ?? verbs
}
