/**
 * Does a value fit a JSON Schema? Compiled once, when the model is loaded, so that asking is cheap. The subset of
 * 2020-12 is that of the Python edition, `thampi/runtime/validate.py`; `contract/validation.json` holds the two together.
 */

export type JsonObject = Readonly<Record<string, unknown>>
export type Test = (value: unknown) => boolean

/** The schema itself is wrong; `pointer` (a JSON Pointer into the schema) says where. */
export class SchemaError extends Error {
  readonly pointer: string

  constructor(pointer: string, what: string) {
    super(`${pointer} ${what}`)
    this.pointer = pointer
  }
}

/**
 * A function that says whether a value, as `JSON.parse` gives it, fits. Throws `SchemaError`.
 *
 * @param root the document that references are looked up in, when that is not the schema itself
 * @example
 * compiled({ type: 'object', required: ['input'] })({ input: [5.9, 3.2, 4.8, 1.8] }) // true
 */
export function compiled(schema: unknown, root: unknown = schema): Test {
  return new Compiler(root).test(schema, '')
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Whether a value has a type of JSON Schema. */
export function isType(name: unknown, value: unknown): boolean {
  const test = typeof name === 'string' && Object.hasOwn(types, name) ? types[name] : undefined
  return test?.(value) === true
}

/** Equality of JSON: neither the order of keys nor the way a number is written matters. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, i) => isSame(item, other[i]))
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys(one)
    return (
      keys.length === Object.keys(other).length &&
      keys.every(key => Object.hasOwn(other, key) && isSame(one[key], other[key]))
    )
  }
  return one === other
}

/** The compiled `pattern`, or undefined where this language has no such expression: then it is not checked. */
export function patternOf(schema: JsonObject): RegExp | undefined {
  if (typeof schema.pattern !== 'string') return undefined
  try {
    return new RegExp(schema.pattern, 'u')
  } catch {
    return undefined
  }
}

/** What `#/$defs/Name` stands for, or undefined. */
export function resolved(root: unknown, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined
  let found = root
  for (const step of reference.slice(1).split('/').slice(1)) {
    const key = step.replaceAll('~1', '/').replaceAll('~0', '~')
    if (!isObject(found) || !Object.hasOwn(found, key)) return undefined
    found = found[key]
  }
  return isObject(found) || typeof found === 'boolean' ? found : undefined
}

/** Members of a schema that a valid one has in this shape or not at all. */
export function listIn(schema: JsonObject, keyword: string): readonly unknown[] {
  const value = schema[keyword]
  return Array.isArray(value) ? value : []
}

export function numberIn(schema: JsonObject, keyword: string): number | undefined {
  const value = schema[keyword]
  return typeof value === 'number' ? value : undefined
}

export function objectIn(schema: JsonObject, keyword: string): JsonObject {
  const value = schema[keyword]
  return isObject(value) ? value : {}
}

/** Characters, not UTF-16 units: as people and the other edition count. */
export function lengthOf(text: string): number {
  let length = 0
  for (const _ of text) length++
  return length
}

const types: Readonly<Record<string, Test>> = {
  number: value => typeof value === 'number',
  integer: value => Number.isInteger(value),
  string: value => typeof value === 'string',
  boolean: value => typeof value === 'boolean',
  null: value => value === null,
  array: value => Array.isArray(value),
  object: isObject,
}

const isTypeName: Test = name => typeof name === 'string' && Object.hasOwn(types, name)
const isCount: Test = value => Number.isInteger(value) && (value as number) >= 0
const isFilledList: Test = value => Array.isArray(value) && value.length > 0
const isSchema: Test = value => isObject(value) || typeof value === 'boolean'

/** What a keyword must be, and how that is called. */
const keywords: Readonly<Record<string, readonly [Test, string]>> = {
  type: [value => (Array.isArray(value) ? value.every(isTypeName) : isTypeName(value)), 'a type of JSON'],
  enum: [isFilledList, 'a list'],
  properties: [isObject, 'an object'],
  $defs: [isObject, 'an object'],
  required: [
    value => Array.isArray(value) && value.every(name => typeof name === 'string'),
    'a list of names',
  ],
  additionalProperties: [isSchema, 'a schema'],
  items: [isSchema, 'a schema'],
  ...every(['prefixItems', 'anyOf', 'oneOf', 'allOf'], [isFilledList, 'a list']),
  ...every(['minItems', 'maxItems', 'minLength', 'maxLength'], [isCount, 'a whole number']),
  ...every(
    ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
    [value => typeof value === 'number', 'a number'],
  ),
  ...every(['pattern', '$ref'], [value => typeof value === 'string', 'a text']),
}

function every(
  names: readonly string[],
  rule: readonly [Test, string],
): Record<string, readonly [Test, string]> {
  return Object.fromEntries(names.map(name => [name, rule]))
}

class Compiler {
  readonly #root: unknown
  readonly #references = new Map<string, Test | undefined>()

  constructor(root: unknown) {
    this.#root = root
  }

  /** `pointer` is where the schema stands. */
  test(schema: unknown, pointer: string): Test {
    if (typeof schema === 'boolean') return () => schema
    if (!isObject(schema)) throw new SchemaError(pointer, 'is no schema')
    for (const [keyword, [isRight, wanted]] of Object.entries(keywords)) {
      if (Object.hasOwn(schema, keyword) && !isRight(schema[keyword]))
        throw new SchemaError(`${pointer}/${keyword}`, `must be ${wanted}`)
    }
    return all([
      ...this.#any(schema, pointer),
      ...numberTests(schema),
      ...textTests(schema),
      ...this.#array(schema, pointer),
      ...this.#object(schema, pointer),
    ])
  }

  *#any(schema: JsonObject, pointer: string): Generator<Test> {
    if ('type' in schema) {
      const names = Array.isArray(schema.type) ? schema.type : [schema.type]
      yield names.length === 1 ? (types[names[0]] as Test) : value => names.some(name => isType(name, value))
    }
    if ('const' in schema) yield value => isSame(value, schema.const)
    if ('enum' in schema) {
      const known = listIn(schema, 'enum')
      yield value => known.some(one => isSame(value, one))
    }
    if (typeof schema.$ref === 'string') yield this.#reference(schema.$ref, `${pointer}/$ref`)
    const parts = (keyword: string): Test[] => this.#tests(listIn(schema, keyword), `${pointer}/${keyword}`)
    if ('allOf' in schema) yield all(parts('allOf'))
    if ('anyOf' in schema) {
      const some = parts('anyOf')
      yield value => some.some(test => test(value))
    }
    if ('oneOf' in schema) {
      const one = parts('oneOf')
      yield value => one.filter(test => test(value)).length === 1
    }
  }

  #tests(schemas: readonly unknown[], pointer: string): Test[] {
    return schemas.map((schema, i) => this.test(schema, `${pointer}/${i}`))
  }

  /** Compiled when first met, looked up when asked: a schema may contain itself. */
  #reference(reference: string, pointer: string): Test {
    const known = this.#references
    if (!known.has(reference)) {
      const schema = resolved(this.#root, reference)
      if (schema === undefined)
        throw new SchemaError(pointer, `names ${reference}, which is not in this document`)
      known.set(reference, undefined)
      known.set(reference, this.test(schema, reference.slice(1)))
    }
    return known.get(reference) ?? (value => known.get(reference)?.(value) === true)
  }

  *#array(schema: JsonObject, pointer: string): Generator<Test> {
    const [least, most] = [numberIn(schema, 'minItems') ?? 0, numberIn(schema, 'maxItems')]
    if (least > 0) yield value => !Array.isArray(value) || value.length >= least
    if (most !== undefined) yield value => !Array.isArray(value) || value.length <= most
    const first = this.#tests(listIn(schema, 'prefixItems'), `${pointer}/prefixItems`)
    if (first.length > 0)
      yield value => !Array.isArray(value) || first.every((test, i) => i >= value.length || test(value[i]))
    if (!('items' in schema)) return
    const rest = this.test(schema.items, `${pointer}/items`)
    yield value => {
      if (!Array.isArray(value)) return true
      for (let i = first.length; i < value.length; i++) if (!rest(value[i])) return false
      return true
    }
  }

  *#object(schema: JsonObject, pointer: string): Generator<Test> {
    const required = listIn(schema, 'required') as readonly string[]
    if (required.length > 0)
      yield value => !isObject(value) || required.every(name => Object.hasOwn(value, name))
    const properties = objectIn(schema, 'properties')
    const tests = Object.entries(properties).map(([name, part]): [string, Test] => [
      name,
      this.test(part, `${pointer}/properties/${name}`),
    ])
    if (tests.length > 0)
      yield value =>
        !isObject(value) || tests.every(([name, test]) => !Object.hasOwn(value, name) || test(value[name]))
    // With `patternProperties`, which we do not read, what is additional cannot be told.
    if (!('additionalProperties' in schema) || 'patternProperties' in schema) return
    const more = this.test(schema.additionalProperties, `${pointer}/additionalProperties`)
    yield value =>
      !isObject(value) ||
      Object.keys(value).every(name => Object.hasOwn(properties, name) || more(value[name]))
  }
}

function* numberTests(schema: JsonObject): Generator<Test> {
  const [least, most] = [numberIn(schema, 'minimum'), numberIn(schema, 'maximum')]
  const [above, below] = [numberIn(schema, 'exclusiveMinimum'), numberIn(schema, 'exclusiveMaximum')]
  if (least !== undefined) yield value => typeof value !== 'number' || value >= least
  if (most !== undefined) yield value => typeof value !== 'number' || value <= most
  if (above !== undefined) yield value => typeof value !== 'number' || value > above
  if (below !== undefined) yield value => typeof value !== 'number' || value < below
}

function* textTests(schema: JsonObject): Generator<Test> {
  const [least, most] = [numberIn(schema, 'minLength') ?? 0, numberIn(schema, 'maxLength')]
  const pattern = patternOf(schema)
  if (least > 0) yield value => typeof value !== 'string' || lengthOf(value) >= least
  if (most !== undefined) yield value => typeof value !== 'string' || lengthOf(value) <= most
  if (pattern) yield value => typeof value !== 'string' || pattern.test(value)
}

function all(tests: readonly Test[]): Test {
  const [first, ...more] = tests
  if (!first) return () => true
  if (more.length === 0) return first
  const rest = all(more)
  return value => first(value) && rest(value)
}
