/** The AWS profiles that this machine knows, in the order in which people wrote them down. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../system/places.ts'

export interface AwsProfile {
  readonly name: string
  readonly region: string | undefined
}

/** First the profiles of the config file, then those that only the credentials file has. Files that are not there have none. */
export async function awsProfiles(env: Environment): Promise<readonly AwsProfile[]> {
  const { loadSharedConfigFiles, readFile } = await import('@smithy/shared-ini-file-loader')
  const home = env.HOME || env.USERPROFILE || homedir()
  const configFilepath = expandHome(env.AWS_CONFIG_FILE || '~/.aws/config', home)
  const filepath = expandHome(env.AWS_SHARED_CREDENTIALS_FILE || '~/.aws/credentials', home)
  const { configFile, credentialsFile } = await loadSharedConfigFiles({
    configFilepath,
    filepath,
    ignoreCache: true,
  })

  // The loader tells what a profile says, but puts `default` first; the order stands in the headers alone.
  const textOf = (path: string): Promise<string> => readFile(path).catch(() => '')
  const names = new Set([
    ...headers(await textOf(configFilepath), true).filter(name => Object.hasOwn(configFile, name)),
    ...headers(await textOf(filepath), false).filter(name => Object.hasOwn(credentialsFile, name)),
  ])
  return [...names].map(name => ({
    name,
    region: own(configFile, name)?.region ?? own(credentialsFile, name)?.region,
  }))
}

/** Names between brackets. In the config file all but `default` are called `[profile NAME]`; the rest are no profiles. */
function headers(text: string, isConfig: boolean): string[] {
  const names: string[] = []
  for (const [, inside = ''] of text.matchAll(/^[ \t]*\[([^\]\r\n]*)\]/gm)) {
    const [, profile] = /^profile\s+(["']?)(.+)\1$/.exec(inside.trim())?.slice(1) ?? []
    if (!isConfig) names.push(inside)
    else if (profile !== undefined) names.push(profile)
    else if (inside === 'default') names.push(inside)
  }
  return names
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function expandHome(path: string, home: string): string {
  return path.startsWith('~/') ? join(home, path.slice(2)) : path
}
