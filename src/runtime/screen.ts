/** What `schema.json` of a model does for requests: a declared one refuses, an inferred one explains. */
import { readObject } from './body.ts'
import { explain, hintFor, placeOf, summary } from './explain.ts'
import { Problem } from './problem.ts'
import { compiled, type JsonObject, type Test } from './validate.ts'
import { exampleIn, listed } from './words.ts'

const terseDetail = 'The input is not what the model takes.'

export class Screen {
  /** False when nothing is ever refused. */
  readonly declares: boolean
  /** Whether an input is as the schema says. */
  readonly fits: Test
  readonly #schema: unknown
  readonly #terse: boolean

  /**
   * @param document schema.json
   * @param terse keeps what it says to ourselves
   * @throws SchemaError
   */
  constructor(document: JsonObject, terse = false) {
    this.#schema = document.input ?? true
    this.#terse = terse
    this.fits = compiled(this.#schema)
    this.declares = document.declared === true
  }

  /** The problem with an input that does not fit. */
  refused(data: unknown, body: Buffer): Problem {
    if (this.#terse) return new Problem('model-rejected-input', { detail: terseDetail })
    const sent = readObject(body)
    if (!Object.hasOwn(sent, 'data')) return this.#withoutData(sent)
    const misfits = explain(this.#schema, data)
    return new Problem('model-rejected-input', {
      detail: summary(misfits),
      hint: hintFor(this.#schema, misfits[0]),
      errors: misfits.map(placeOf),
    })
  }

  /** What may help when the model raised: how the input differs from the examples, or undefined. */
  hint(body: Buffer): string | undefined {
    if (this.#terse || this.declares) return undefined
    const sent = readObject(body)
    const hasData = Object.hasOwn(sent, 'data')
    const data = hasData ? sent.data : null
    if (this.fits(data)) return undefined
    if (!hasData) {
      const { detail, hint } = this.#withoutData(sent).parts
      return `${detail} ${hint}`
    }
    const misfits = explain(this.#schema, data)
    const more = hintFor(this.#schema, misfits[0])
    return `By its examples, ${summary(misfits)}${more === undefined ? '' : ` ${more}`}`
  }

  /** The whole input was sent where an object with the input under `data` is wanted. */
  #withoutData(sent: JsonObject): Problem {
    const got = Object.keys(sent)
    const detail = got.length > 0 ? `\`data\` is missing (got ${listed(got, 3)}).` : '`data` is missing.'
    const example = exampleIn(this.#schema)
    return new Problem('model-rejected-input', {
      detail,
      hint: example === undefined ? 'Send {"data": …}.' : `Send {"data": …}, e.g. {"data": ${example}}`,
      errors: [{ pointer: '/data', code: 'required', message: detail }],
    })
  }
}
