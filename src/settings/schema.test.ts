import { describe, expect, it } from 'vitest'
import { keys } from './keys.ts'
import { settingsSchema, zappaSettingsSchema } from './schema.ts'

interface Node {
  readonly properties: Readonly<Record<string, Node>>
  readonly additionalProperties: Node
  readonly propertyNames: { readonly pattern: string }
  readonly description?: string
  readonly deprecated?: boolean
}

const schema = zappaSettingsSchema() as unknown as Node
const stage = schema.additionalProperties

describe('the JSON Schema of settings', () => {
  it('describes every key of the table, and nothing else', () => {
    const described = [
      ...Object.keys(stage.properties),
      ...Object.keys(thampi().properties).map(key => `thampi.${key}`),
    ]
    expect(described.sort()).toEqual(keys.map(key => key.name).sort())
    for (const key of keys.filter(({ name }) => !name.includes('.'))) {
      expect(stage.properties[key.name]?.description).toContain(key.meaning)
    }
  })

  it('strikes out what has no effect', () => {
    expect(stage.properties.events?.deprecated).toBe(true)
    expect(stage.properties.memory_size?.deprecated).toBeUndefined()
  })

  it('is of the 2020-12 draft and lets stages have names that can be used', () => {
    expect(schema).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' })
    const name = new RegExp(schema.propertyNames.pattern)
    expect(['$schema', 'dev', 'live_2'].every(text => name.test(text))).toBe(true)
    expect(['my-stage', '', 'a\nb', '$other'].some(text => name.test(text))).toBe(false)
  })

  it('survives being written as JSON', () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema)
  })

  it('accepts what the reader accepts, unknown keys and nulls included', () => {
    const content = {
      $schema: 'https://example.com/zappa_settings.schema.json',
      dev: {
        profile_name: null,
        memory_size: 1024,
        colour: 'red',
        thampi: { platform: 'local', mood: 1 },
        events: 3,
      },
    }
    expect(settingsSchema().safeParse(content).success).toBe(true)
  })

  it.each([
    { dev: { memory_size: 'big' } },
    { dev: { django_settings: 'a.b' } },
    { dev: { thampi: { platform: 'azure' } } },
    { dev: [] },
  ])('does not accept %j', content => {
    expect(settingsSchema().safeParse(content).success).toBe(false)
  })
})

function thampi(): Node {
  const { anyOf } = stage.properties.thampi as unknown as { anyOf: readonly Node[] }
  const [node] = anyOf
  if (!node) throw new Error('thampi is not described')
  return node
}
