/** Where packages come from on this machine, and the environment in which a resolver works: what it needs and nothing else. */
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Environment } from '../../system/places.ts'
import type { System } from '../../system/system.ts'
import { type PipSettings, pipSettings } from '../pip-settings.ts'
import type { FileSources } from './wanted.ts'

export interface Indexes {
  /** Everything a resolver sees. User names and passwords stand here and nowhere else. */
  readonly env: Environment
  /** What decides which packages are found, without user names and passwords: part of the name of a lock. */
  readonly identity: readonly string[]
  /** Somebody chose an index: packages come from there and from nowhere else. */
  readonly chosen: boolean
}

/** Of the machine and of the person: nothing of these says which package to take. */
const MACHINE = [
  'PATH PATHEXT HOME USERPROFILE HOMEDRIVE HOMEPATH APPDATA LOCALAPPDATA SYSTEMROOT SystemRoot WINDIR COMSPEC TEMP TMP TMPDIR',
  'LANG LC_ALL XDG_CONFIG_HOME XDG_CACHE_HOME XDG_DATA_HOME XDG_CONFIG_DIRS',
  'HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy',
  'NETRC SSL_CERT_FILE SSL_CERT_DIR SSL_CLIENT_CERT REQUESTS_CA_BUNDLE CURL_CA_BUNDLE',
]
  .join(' ')
  .split(' ')

/** How uv reaches its indexes. Those that choose versions (`UV_RESOLUTION`, `UV_PRERELEASE`, `UV_OVERRIDE` …) are left out. */
const UV_REACHES =
  /^UV_(CACHE_DIR|CONFIG_FILE|SYSTEM_CERTS|NATIVE_TLS|HTTP_TIMEOUT|HTTP_RETRIES|REQUEST_TIMEOUT|KEYRING_PROVIDER|CONCURRENT_DOWNLOADS|OFFLINE|NO_CACHE|INSECURE_HOST|INDEX_[A-Z0-9_]+_(USERNAME|PASSWORD)|CREDENTIALS_DIR)$/
const UV_SOURCES =
  /^UV_(INDEX|DEFAULT_INDEX|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|INDEX_STRATEGY|TORCH_BACKEND)$/
const PIP_REACHES =
  /^PIP_(CERT|CLIENT_CERT|PROXY|TRUSTED_HOST|INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|NO_INDEX|CONFIG_FILE|CACHE_DIR|NO_CACHE_DIR|DEFAULT_TIMEOUT|TIMEOUT|RETRIES|KEYRING_PROVIDER)$/

/**
 * The sources for uv: its own when somebody set some, else those of pip, and before both what the file says.
 *
 * @param prefix of the Python in use: an environment can have settings of pip of its own
 */
export async function indexesForUv(
  file: FileSources,
  prefix: string | undefined,
  system: System,
): Promise<Indexes> {
  const { env, cwd } = system
  const own = envOf(env, name => UV_SOURCES.test(name))
  const uvSettings = uvSettingsFile(system)
  const uvFileHasOwn = /^\s*(index-url|extra-index-url|find-links|no-index|\[\[(pip\.)?index\]\])/m.test(
    uvSettings,
  )
  const hasOwn =
    uvFileHasOwn || Object.keys(own).some(name => name !== 'UV_INDEX_STRATEGY' && name !== 'UV_TORCH_BACKEND')
  const pip = await pipSettings(prefix, system)
  const sources = hasOwn ? own : { ...own, ...ofPip(pip, cwd) }
  if (sources.UV_FIND_LINKS) sources.UV_FIND_LINKS = placesOf(sources.UV_FIND_LINKS, cwd).join(',')
  if (file.index !== undefined) {
    delete sources.UV_INDEX_URL
    sources.UV_DEFAULT_INDEX = file.index
  }
  append(sources, 'UV_INDEX', file.extra, ' ')
  append(sources, 'UV_FIND_LINKS', file.links, ',')
  if (file.none) sources.UV_NO_INDEX = '1'
  const reaches = envOf(env, name => MACHINE.includes(name) || UV_REACHES.test(name))
  append(reaches, 'UV_INSECURE_HOST', [...(hasOwn ? [] : pip.trusted), ...file.trusted], ' ')
  const cert = reaches.SSL_CERT_FILE ?? pip.cert ?? reaches.REQUESTS_CA_BUNDLE ?? reaches.CURL_CA_BUNDLE
  return {
    env: {
      ...reaches,
      ...sources,
      ...(cert === undefined ? {} : { SSL_CERT_FILE: cert }),
      ...proxyOf(pip, env),
      // Dates without a time of day, and everything else, mean the same everywhere.
      TZ: 'UTC',
      NO_COLOR: '1',
    },
    identity: [
      ...Object.entries(sources).map(([name, value]) => `${name}=${withoutUsers(value ?? '')}`),
      withoutUsers(uvSettings),
    ].sort(),
    chosen: ['UV_DEFAULT_INDEX', 'UV_INDEX_URL', 'UV_NO_INDEX'].some(name => sources[name]) || uvFileHasOwn,
  }
}

/** The environment for pip, which finds its own files. The sources of a dependency file are arguments. */
export function environmentForPip({ env }: System): Environment {
  return {
    ...envOf(env, name => MACHINE.includes(name) || PIP_REACHES.test(name)),
    PIP_NO_INPUT: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    NO_COLOR: '1',
  }
}

/** pip's words in uv's. A directory that is not there is nothing to pip, and an error to uv. */
function ofPip({ index, extra, links, none }: PipSettings, cwd: string): Record<string, string | undefined> {
  const sources: Record<string, string | undefined> = {}
  if (index !== undefined) sources.UV_DEFAULT_INDEX = index
  append(sources, 'UV_INDEX', extra, ' ')
  const there = links.filter(link => isAddress(link) || existsSync(resolve(cwd, link)))
  append(sources, 'UV_FIND_LINKS', there, ',')
  if (none) sources.UV_NO_INDEX = '1'
  return sources
}

/** The resolver works in another directory. */
function placesOf(links: string, cwd: string): string[] {
  return links.split(',').map(link => (isAddress(link) ? link : resolve(cwd, link)))
}

function proxyOf({ proxy }: PipSettings, env: Environment): Environment {
  if (proxy === undefined || env.HTTPS_PROXY || env.https_proxy) return {}
  return { HTTPS_PROXY: proxy, HTTP_PROXY: proxy }
}

/** Settings of the person, and of the machine; those of a project belong to whoever wrote it, and do not count. */
function uvSettingsFile({ env, os }: System): string {
  const home = env.HOME || homedir()
  const files = [
    env.UV_CONFIG_FILE ||
      (os === 'win32'
        ? join(env.APPDATA || home, 'uv', 'uv.toml')
        : join(env.XDG_CONFIG_HOME || join(home, '.config'), 'uv', 'uv.toml')),
    ...(os === 'win32' ? [] : ['/etc/uv/uv.toml']),
  ]
  return files.map(textOf).join('')
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function envOf(env: Environment, isWanted: (name: string) => boolean): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name, value]) => isWanted(name) && value))
}

function append(
  env: Record<string, string | undefined>,
  name: string,
  values: readonly string[],
  separator: string,
): void {
  const all = [env[name], ...values].filter(value => value !== undefined && value !== '')
  if (all.length > 0) env[name] = all.join(separator)
}

function isAddress(link: string): boolean {
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(link)
}

function withoutUsers(text: string): string {
  return text.replace(/:\/\/[^/@\s"']*@/g, '://').replace(/^(username|password)\b.*$/gm, '')
}
