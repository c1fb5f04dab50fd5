/** The verb `keys`: who may ask a stage that answers to API keys only (`api_key_required`). */
import type { Engine } from './engine.ts'
import { ThampiError } from './errors.ts'
import type { ApiKey, ApiKeys } from './platforms/platform.ts'
import { checkKeyName } from './settings/names.ts'
import type { Stage } from './settings/stage.ts'

export interface CreatedKey {
  readonly name: string
  /** Shown once: what is kept is its digest. */
  readonly key: string
  /** False when the stage, as its settings are now, answers without a key as well. */
  readonly isRequired: boolean
}

/**
 * Makes a key. It opens the stage at once, and any number of others do too.
 *
 * @example
 * const { key } = await createKey('staging', 'billing', engine)
 * @throws ThampiError `KEY_EXISTS`, `NAME_INVALID`
 */
export async function createKey(
  stageName: string | undefined,
  name: string,
  engine: Engine,
): Promise<CreatedKey> {
  checkKeyName(name)
  const { stage, keys } = await keysOf(stageName, engine)
  return { name, key: await keys.create(stage, name), isRequired: stage.apiKeyRequired }
}

/**
 * The keys there are, the oldest first. Their names: nobody can show a key again.
 *
 * @example
 * for (const { name } of await listKeys('staging', engine)) console.log(name)
 */
export async function listKeys(stageName: string | undefined, engine: Engine): Promise<readonly ApiKey[]> {
  const { stage, keys } = await keysOf(stageName, engine)
  return keys.list(stage)
}

/**
 * Takes a key back. When this returns it opens nothing; requests under way with it end as they would have.
 *
 * @example
 * await revokeKey('staging', 'billing', engine)
 * @throws ThampiError `KEY_UNKNOWN`
 */
export async function revokeKey(stageName: string | undefined, name: string, engine: Engine): Promise<void> {
  const { stage, keys } = await keysOf(stageName, engine)
  if (await keys.revoke(stage, name)) return
  const known = (await keys.list(stage)).map(key => key.name)
  throw new ThampiError('KEY_UNKNOWN', {
    message: `${stage.name} has no API key "${name}".`,
    why: known.length > 0 ? `It has: ${known.join(', ')}.` : 'It has none.',
    fix: `thampi keys list ${stage.name}`,
  })
}

async function keysOf(
  stageName: string | undefined,
  engine: Engine,
): Promise<{ readonly stage: Stage; readonly keys: ApiKeys }> {
  const stage = engine.settings.stage(stageName)
  const { keys, name } = await engine.platformFor(stage)
  if (keys) return { stage, keys }
  throw new ThampiError('PLATFORM_UNAVAILABLE', {
    message: `The platform "${name}" has no API keys of ours.`,
    why: 'There callers prove themselves to the platform itself; see api_key_required and iam_authorization.',
  })
}
