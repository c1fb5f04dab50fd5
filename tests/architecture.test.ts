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
/** In the order in which they are built on one another. */
const awsRooms = [
  ...['settings', 'client', 'rehearsal', 'steps', 'bucket', 'permissions'],
  ...['function', 'addresses', 'live'],
]
/** Of which stage everything is, and what it is called: every room is handed that. */
const awsGround = ['platforms/aws/account.ts', 'platforms/aws/names.ts']

it('every import goes down a floor or stays in its room', () => {
  const wrong: string[] = []
  for (const file of sources()) {
    for (const target of importsOf(file)) {
      if (!isAllowed(file, target)) wrong.push(`${file} → ${target}`)
    }
  }
  expect(wrong).toEqual([])
})

it('the rooms of the platform aws use those before them, and none of its verbs', () => {
  const wrong = sources()
    .filter(file => awsRoomOf(file) !== undefined)
    .flatMap(file => importsOf(file).map(target => [file, target] as const))
    .filter(([file, target]) => target.startsWith('platforms/aws/') && !isBefore(target, file))
    .map(pair => pair.join(' → '))
  expect(wrong).toEqual([])
  const rooms = sources().flatMap(file => /^platforms\/aws\/(\w+)\//.exec(file)?.[1] ?? [])
  expect([...new Set(rooms)].sort()).toEqual([...awsRooms].sort())
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
  expect(users).toContain('platforms/aws/client/services/lambda.ts')
  expect(users.filter(file => !file.startsWith('platforms/aws/client/services/'))).toEqual([])
})

it('the test sees the imports it judges', () => {
  expect(importsOf('bundled.ts')).toContain('bundle/bundle-model.ts')
  expect(isAllowed('wire/frame.ts', 'sandbox/pool.ts')).toBe(false)
  expect(isAllowed('gateway/gateway.ts', 'sandbox/pool.ts')).toBe(false)
  expect(isAllowed('platforms/local/local.ts', 'platforms/aws/aws.ts')).toBe(false)
  expect(isBefore('platforms/aws/bucket/store.ts', 'platforms/aws/function/alias.ts')).toBe(true)
  expect(isBefore('platforms/aws/function/alias.ts', 'platforms/aws/bucket/store.ts')).toBe(false)
  expect(isBefore('platforms/aws/release.ts', 'platforms/aws/function/alias.ts')).toBe(false)
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

function isBefore(target: string, file: string): boolean {
  const room = awsRoomOf(target)
  if (room === undefined) return awsGround.includes(target)
  return awsRooms.indexOf(room) <= awsRooms.indexOf(awsRoomOf(file) ?? '')
}

/** Undefined for what lies beside the rooms. */
function awsRoomOf(path: string): string | undefined {
  return /^platforms\/aws\/(\w+)\//.exec(path)?.[1]
}

function roomOf(path: string): string {
  return path.split('/')[0] as string
}

function floorOf(room: string): number {
  return floors[room] ?? verbs
}
