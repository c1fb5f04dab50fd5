/** Which kind of API stands before a stage, and how one takes the place of the other. */
import type { Stage } from '../../../settings/stage.ts'
import type { Corner } from '../account.ts'
import { changeState, readState, type StageState } from '../bucket/records.ts'
import type { AwsSettings } from '../settings/aws-settings.ts'
import { asksForRest } from '../settings/rest.ts'
import { ensureApi, findUrl as findHttpUrl, permissionId, removeApi } from './ensure-api.ts'
import { ensureRestApi, findRestUrl, removeRestApi } from './ensure-rest-api.ts'
import { removeStatements } from './ensure-statement.ts'
import type { Front } from './own-api.ts'

/** The API that the settings ask for. Another one that was there answers on: see `retireOthers`. */
export async function ensureFront(corner: Corner, aliasArn: string, settings: AwsSettings): Promise<Front> {
  if (settings.rest === undefined) return ensureApi(corner, aliasArn, settings)
  // Noted before it is made, so that it is found when the settings have changed their mind meanwhile.
  await changeState(corner, state => ({ ...state, hasRest: true }))
  return ensureRestApi(corner, aliasArn, settings, settings.rest)
}

/** Once the one that is wanted answers, the other kind goes, and its URL with it. */
export async function retireOthers(
  corner: Corner,
  { access, rest }: Pick<AwsSettings, 'access' | 'rest'>,
): Promise<void> {
  const tell = (kind: string): void =>
    corner.system.tell(
      access.hasApi
        ? `${kind} removed: ${corner.key.stage} has a new URL, and the old one answers no more`
        : `${kind} removed, as the settings say`,
    )
  if (!(access.hasApi && rest === undefined) && (await removeApi(corner))) {
    await removeStatements(corner, [permissionId])
    tell('HTTP API')
  }
  if ((access.hasApi && rest !== undefined) || !(await readState(corner)).hasRest) return
  if (await removeRestApi(corner)) tell('REST API')
  await changeState(corner, ({ hasRest: _, ...state }) => state)
}

/** Of what answers now: settings that nobody has served yet do not change it. Undefined when there is no API. */
export async function findUrl(corner: Corner, stage: Stage): Promise<string | undefined> {
  if (asksForRest(stage) !== undefined) return (await findRestUrl(corner)) ?? findHttpUrl(corner)
  const url = await findHttpUrl(corner)
  return url ?? ((await readState(corner)).hasRest ? findRestUrl(corner) : undefined)
}

/** Whatever stands there. False when nothing did. */
export async function removeFronts(
  corner: Corner,
  stage: Stage,
  { hasRest }: Pick<StageState, 'hasRest'>,
): Promise<boolean> {
  const mayHaveRest = hasRest || asksForRest(stage) !== undefined
  const hadRest = mayHaveRest && (await removeRestApi(corner))
  return (await removeApi(corner)) || hadRest
}
