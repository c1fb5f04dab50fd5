/** The JSON Schema of settings files, for editors; made of the same table that the reader uses. */
import * as z from 'zod'
import type { Key } from './key.ts'
import { keys } from './keys.ts'
import { stageNamePattern } from './names.ts'

const ours = 'thampi.'

/**
 * A draft 2020-12 schema that accepts every file that can be read.
 *
 * @example
 * writeFileSync('lib/zappa_settings.schema.json', JSON.stringify(zappaSettingsSchema(), null, 2))
 */
export function zappaSettingsSchema(): Record<string, unknown> {
  const file = settingsSchema().meta({
    title: 'zappa_settings',
    description: 'The stages of a Thampi project.',
  })
  return {
    ...z.toJSONSchema(file, { target: 'draft-2020-12', io: 'input' }),
    propertyNames: { pattern: `^\\$schema$|${stageNamePattern.source}` },
  }
}

/** The same as a zod schema. */
export function settingsSchema(): z.ZodType {
  const thampi = keys.filter(({ name }) => name.startsWith(ours))
  const others = keys.filter(({ name }) => !name.startsWith(ours) && name !== 'thampi')
  const stage = z.looseObject({
    ...Object.fromEntries(others.map(key => [key.name, property(key)])),
    thampi: z
      .looseObject(Object.fromEntries(thampi.map(key => [key.name.slice(ours.length), property(key)])))
      .nullish()
      .meta({ description: keys.find(({ name }) => name === 'thampi')?.meaning }),
  })
  return z.object({ $schema: z.string().optional() }).catchall(stage)
}

function property({ advice, kind, meaning, note }: Key): z.ZodType {
  const description = note === undefined ? meaning : `${meaning} ${note}`
  if (advice === 'refuse') return z.null().optional().meta({ description })
  if (advice === 'ignore') return z.unknown().optional().meta({ description, deprecated: true })
  return kind.schema.nullish().meta({ description })
}
