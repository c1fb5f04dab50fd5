/**
 * User names and passwords of private indexes, from where pip and uv have them: addresses of indexes, uv's variables,
 * netrc. Each is for one host and is told to no other.
 */
import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { basic, type Login, loginIn } from '../../system/network.ts'
import type { Environment } from '../../system/places.ts'
import type { System } from '../../system/system.ts'
import { pipSettings } from '../pip-settings.ts'

/** The header `Authorization` for an address, undefined when it needs none that we know. */
export type Credentials = (url: URL) => string | undefined

interface Known extends Login {
  /** `https://packages.example.org` */
  readonly origin: string
  readonly path: string
}

/** Reads them; a keyring is not asked. */
export async function credentialsOf(system: System): Promise<Credentials> {
  const { env } = system
  const pip = await pipSettings(env.VIRTUAL_ENV, system)
  const ofPip = [pip.index, ...pip.extra, ...pip.links].map(address => ({
    name: undefined,
    address: address ?? '',
  }))
  const known = [...indexesOfUv(env), ...ofPip].flatMap(({ name, address }) => knownFrom(name, address, env))
  const machines = parseNetrc(await netrcOf(system))
  return url => {
    const login = closest(known, url) ?? machines.get(url.hostname)
    return login && basic(login)
  }
}

/** `name=https://…`, as uv lets people name their indexes. */
function indexesOfUv(env: Environment): { name: string | undefined; address: string }[] {
  const names = ['UV_DEFAULT_INDEX', 'UV_INDEX_URL', 'UV_INDEX', 'UV_EXTRA_INDEX_URL', 'UV_FIND_LINKS']
  const words = names.flatMap(name => (env[name] ?? '').split(/[\s,]+/))
  return words.map(word => {
    const [, name, address = ''] = /^(?:([\w.-]+)=)?(.*)$/.exec(word) ?? []
    return { name, address }
  })
}

function knownFrom(name: string | undefined, address: string, env: Environment): Known[] {
  if (!/^https?:/i.test(address) || !URL.canParse(address)) return []
  const url = new URL(address)
  const place = { origin: url.origin, path: url.pathname }
  const login = loginIn(url)
  if (login) return [{ ...place, ...login }]
  const variable = `UV_INDEX_${(name ?? '').toUpperCase().replace(/[^A-Z0-9]/g, '_')}`
  const user = env[`${variable}_USERNAME`]
  const secret = env[`${variable}_PASSWORD`]
  if (name === undefined || (!user && !secret)) return []
  return [{ ...place, user: user ?? '', password: secret ?? '' }]
}

/** Of several indexes on one host, the one whose path has most in common with the address: projects have tokens of their own. */
function closest(known: readonly Known[], { origin, pathname }: URL): Login | undefined {
  let best: { readonly login: Login; readonly common: number } | undefined
  for (const login of known.filter(({ origin: itsOrigin }) => itsOrigin === origin)) {
    const common = commonParts(login.path, pathname)
    if (!best || common > best.common) best = { login, common }
  }
  return best?.login
}

function commonParts(a: string, b: string): number {
  const [ours, theirs] = [a.split('/'), b.split('/')]
  const differs = ours.findIndex((part, at) => part !== theirs[at])
  return differs === -1 ? ours.length : differs
}

async function netrcOf({ env, os }: System): Promise<string> {
  const home = env.HOME || homedir()
  const file = env.NETRC || join(home, os === 'win32' ? '_netrc' : '.netrc')
  return readFile(file, 'utf8').catch(() => '')
}

/**
 * Host → login. The entry `default` is for every host there is, so nobody gets it from us. Macros end at an empty line;
 * a `#` begins a comment only at the beginning of a line, since passwords have it too.
 */
export function parseNetrc(text: string): ReadonlyMap<string, Login> {
  const machines = new Map<string, Login>()
  const plain = text.replace(/^[ \t]*macdef\b(?:.*\n)+?(?=[ \t]*\n|$)/gm, '').replace(/^[ \t]*#.*$/gm, '')
  const words = (plain.match(/"(?:[^"\\]|\\.)*"|\S+/g) ?? []).map(unquoted)
  for (let at = 0; at < words.length; ) {
    const host = words[at] === 'machine' ? (words[at + 1] ?? '').toLowerCase() : ''
    const begin = at + (words[at] === 'machine' ? 2 : 1)
    const values = new Map<string, string>()
    for (at = begin; at < words.length && words[at] !== 'machine' && words[at] !== 'default'; at += 2) {
      values.set(words[at] ?? '', words[at + 1] ?? '')
    }
    // The first entry of a host counts.
    if (host === '' || machines.has(host)) continue
    machines.set(host, { user: values.get('login') ?? '', password: values.get('password') ?? '' })
  }
  return machines
}

function unquoted(word: string): string {
  return word.startsWith('"') && word.endsWith('"') ? word.slice(1, -1).replace(/\\(.)/g, '$1') : word
}
