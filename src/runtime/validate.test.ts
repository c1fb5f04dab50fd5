/** contract/validation.json holds for this edition, and what is compiled agrees with what is explained. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readData } from './body.ts'
import { explain, hintFor, placeOf, summary } from './explain.ts'
import type { Place } from './problem.ts'
import { Screen } from './screen.ts'
import { compiled, isObject, type JsonObject, SchemaError } from './validate.ts'

interface Case {
  readonly name: string
  readonly schema: unknown
  readonly data: unknown
  readonly errors: readonly Place[]
  readonly detail?: string
  readonly hint?: string | null
}

interface BodyCase {
  readonly name: string
  readonly schemaFile: JsonObject
  readonly body: string
  readonly refused?: {
    readonly detail: string
    readonly hint: string | null
    readonly errors: Place[]
  } | null
  readonly hint?: string | null
}

const { cases, bodies, invalid, terse } = JSON.parse(
  readFileSync(new URL('../../contract/validation.json', import.meta.url), 'utf8'),
) as {
  cases: Case[]
  bodies: BodyCase[]
  invalid: { name: string; schema: unknown; pointer: string }[]
  terse: string
}

describe('a value against a schema', () => {
  it.each(cases)('$name', ({ schema, data, errors, detail, hint }) => {
    const misfits = explain(schema, data)
    expect(misfits.map(placeOf)).toEqual(errors)
    expect(compiled(schema)(data)).toBe(errors.length === 0)
    if (misfits.length === 0) return
    expect(summary(misfits)).toBe(detail)
    expect(hintFor(schema, misfits[0]) ?? null).toBe(hint)
  })

  it('is either explained or fits, whichever value and whichever schema', () => {
    const values = cases.flatMap(({ data }) => partsOf(data))
    for (const { schema } of cases) {
      const fits = compiled(schema)
      for (const value of values)
        expect(fits(value), JSON.stringify([schema, value])).toBe(explain(schema, value).length === 0)
    }
  })
})

describe('a schema that is wrong', () => {
  it.each(invalid)('$name is refused by its place', ({ schema, pointer }) => {
    expect(() => compiled(schema)).toThrow(expect.objectContaining({ pointer }))
    expect(() => compiled(schema)).toThrow(SchemaError)
  })
})

describe('a body', () => {
  it.each(bodies)('$name', ({ schemaFile, body: text, refused, hint }) => {
    const [screen, body] = [new Screen(schemaFile), Buffer.from(text)]
    if (!screen.declares) {
      expect(screen.hint(body) ?? null).toBe(hint)
      return
    }
    const data = readData(body)
    const parts = screen.fits(data) ? null : screen.refused(data, body).parts
    expect(parts && { ...parts, hint: parts.hint ?? null }).toEqual(refused)
  })

  it('is told nothing of the schema where that is private', () => {
    const screen = new Screen({ declared: true, input: { type: 'number' } }, true)
    expect(screen.refused('x', Buffer.from('{"data":"x"}')).parts).toEqual({ detail: terse })
    const inferred = new Screen({ declared: false, input: { type: 'number' } }, true)
    expect(inferred.hint(Buffer.from('{"data":"x"}'))).toBeUndefined()
  })
})

function partsOf(value: unknown): unknown[] {
  const parts = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []
  return [value, ...parts.flatMap(partsOf)]
}
