/** `thampi keys`: makes, lists and revokes the API keys of a stage. A key is printed once, when it is made. */
import { createKey, listKeys, revokeKey } from '../../keys.ts'
import { engineFor } from '../engine.ts'
import type { Done, Session } from '../session.ts'
import { usage } from '../usage.ts'

/** The name of a key that nobody named. */
const usualName = 'default'

export async function keysCommand(
  action: string,
  stage: string | undefined,
  name: string | undefined,
  session: Session,
): Done {
  if (action === 'list' && name !== undefined)
    throw usage('thampi keys list takes a stage and nothing else.', `thampi keys list ${stage}`)
  if (action === 'create') await create(stage, name ?? usualName, session)
  else if (action === 'list') await list(stage, session)
  else await revoke(stage, name, session)
  return 0
}

async function create(stageName: string | undefined, name: string, session: Session): Promise<void> {
  const { output } = session
  const engine = await engineFor(session)
  const { key, isRequired } = await createKey(stageName, name, engine)
  const { name: stage } = engine.settings.stage(stageName)
  if (output.manner.json) output.document({ name, key })
  else output.result(key)
  output.hint(`This is the only time the key is shown. Callers send it in the header x-api-key.`)
  if (!isRequired) {
    output.warn(
      `${stage} answers without a key as well, until its settings say "api_key_required": true and it is served again.`,
    )
  }
}

async function list(stage: string | undefined, session: Session): Promise<void> {
  const { output } = session
  const keys = await listKeys(stage, await engineFor(session))
  if (output.manner.json) {
    output.document(keys.map(({ name, createdTimeUtc }) => ({ name, created_time_utc: createdTimeUtc })))
    return
  }
  if (keys.length === 0) output.hint('There are no keys.')
  const width = Math.max(...keys.map(({ name }) => name.length))
  for (const { name, createdTimeUtc } of keys)
    output.result(`${name.padEnd(width)}  ${createdTimeUtc.slice(0, 19)}`)
}

async function revoke(stage: string | undefined, name: string | undefined, session: Session): Promise<void> {
  const { output } = session
  if (stage === undefined || name === undefined)
    throw usage(
      'thampi keys revoke needs the stage and the name of the key.',
      'thampi keys revoke staging default',
    )
  await revokeKey(stage, name, await engineFor(session))
  if (output.manner.json) output.document({ revoked: name })
  else output.result('Done!')
}
