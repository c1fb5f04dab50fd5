/** The kinds of values that settings can have: how they are checked, and how a person is told what is wanted. */
import * as z from 'zod'

export interface Kind {
  readonly schema: z.ZodType
  /** Completes the sentence "It must be …". */
  readonly wanted: string
}

export const text: Kind = { schema: z.string().min(1), wanted: 'text' }

/** Text of at most so many characters, in one line. */
export function textUpTo(most: number): Kind {
  return {
    schema: z
      .string()
      .min(1)
      .max(most)
      .regex(/^[^\r\n]*$/),
    wanted: `text of at most ${most} characters in one line`,
  }
}

export const flag: Kind = { schema: z.boolean(), wanted: 'true or false' }
export const object: Kind = { schema: z.looseObject({}), wanted: 'an object' }
export const flagOrObject: Kind = {
  schema: z.union([z.boolean(), z.looseObject({})]),
  wanted: 'true, false or an object',
}
export const texts: Kind = { schema: z.array(z.string()), wanted: 'a list of texts' }
export const oneOrMoreTexts: Kind = {
  schema: z.union([z.string().min(1), z.array(z.string())]),
  wanted: 'text or a list of texts',
}
export const objects: Kind = { schema: z.array(z.looseObject({})), wanted: 'a list of objects' }

const functionName = /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$/
export const pythonFunction: Kind = {
  schema: z.string().regex(functionName),
  wanted: 'a module and a function of it, such as "hooks.train"',
}
export const callbacks: Kind = {
  schema: z.strictObject({
    settings: z.string().regex(functionName).optional(),
    zip: z.string().regex(functionName).optional(),
    post: z.string().regex(functionName).optional(),
  }),
  wanted: 'an object such as {"post": "hooks.tell"}, with functions at "settings", "zip" and "post"',
}

/** Names and texts that become the tags of a resource or the headers of a request. */
export const textByName: Kind = {
  schema: z.record(z.string(), z.string()),
  wanted: 'an object of names and texts, such as {"team": "data"}',
}

/** What an operating system accepts as environment: no `=` in a name, no NUL anywhere. */
export const environment: Kind = {
  schema: z.record(z.string().regex(/^[^=\0]+$/), z.string().regex(/^[^\0]*$/)),
  wanted: 'an object of names and texts, such as {"MODE": "fast"}',
}

export const anything: Kind = { schema: z.unknown(), wanted: 'anything' }

export function oneOf(...choices: readonly string[]): Kind {
  return { schema: z.enum(choices), wanted: choices.map(choice => `"${choice}"`).join(' or ') }
}

/** `what` names the unit: "MB". */
export function wholeNumber(least: number, most?: number, what = ''): Kind {
  const range = most === undefined ? `${least} or more` : `from ${least} to ${most}`
  const number = z.int().min(least)
  return {
    schema: most === undefined ? number : number.max(most),
    wanted: `a whole number${what && ` of ${what}`}, ${range}`,
  }
}

export function matching(pattern: RegExp, wanted: string): Kind {
  return { schema: z.string().regex(pattern), wanted }
}

export const ephemeralStorage: Kind = {
  schema: z.looseObject({ Size: z.int().min(512).max(10240) }),
  wanted: 'an object such as {"Size": 1024}, in MB from 512 to 10240',
}

export const offErrorsOrShare: Kind = {
  schema: z.union([z.enum(['off', 'errors']), z.number().min(0).max(1)]),
  wanted: '"off", "errors" or a number from 0 to 1',
}

export function listOf(...choices: readonly string[]): Kind {
  return {
    schema: z.array(z.enum(choices)),
    wanted: `a list of ${choices.map(choice => `"${choice}"`).join(', ')}`,
  }
}

/** Places in the input, as `src/model/paths.ts` reads them. */
export const paths: Kind = {
  schema: z.array(z.string().regex(/^data(\.([A-Za-z_][A-Za-z0-9_]*|\*)|\[(\d+|\*|"([^"\\]|\\.)*")\])*$/)),
  wanted: 'a list of places such as "data.rows[*].email"',
}
