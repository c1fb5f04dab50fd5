/** Where a class or a function of a running program was defined: V8 knows, and tells its inspector. */
import { realpathSync } from 'node:fs'
import type { Runtime } from 'node:inspector'
import { Session } from 'node:inspector/promises'
import { fileURLToPath } from 'node:url'

/** The key under which the inspector is shown something. */
const shown = Symbol.for('thampi.shown')

/** The file that defines `subject`; undefined when it was made of no file: `node -e`, a console, `new Function`. */
export async function definedIn(subject: (...args: never[]) => unknown): Promise<string | undefined> {
  return inspecting(async session => {
    const scripts = new Map<string, string>()
    session.on('Debugger.scriptParsed', ({ params }) => scripts.set(params.scriptId, params.url))
    await session.post('Debugger.enable')
    const { internalProperties = [] } = await propertiesOf(subject, session)
    const location = internalProperties.find(({ name }) => name === '[[FunctionLocation]]')?.value?.value as
      | { readonly scriptId: string }
      | undefined
    const url = location && scripts.get(location.scriptId)
    return url === undefined ? undefined : pathOf(url)
  })
}

/** The names of an object's `#private` fields, which nothing but its own class can read. */
export async function privateFieldsOf(object: object): Promise<string[]> {
  return inspecting(async session => {
    const { privateProperties = [] } = await propertiesOf(object, session)
    return privateProperties.filter(({ value }) => value?.type !== 'function').map(({ name }) => name)
  })
}

async function inspecting<T>(act: (session: Session) => Promise<T>): Promise<T> {
  const session = new Session()
  session.connect()
  try {
    return await act(session)
  } finally {
    session.disconnect()
  }
}

/** `privateProperties` is not in the types of the oldest Node that we support. */
interface Properties extends Runtime.GetPropertiesReturnType {
  readonly privateProperties?: readonly { readonly name: string; readonly value?: Runtime.RemoteObject }[]
}

async function propertiesOf(subject: unknown, session: Session): Promise<Properties> {
  const place = globalThis as Record<symbol, unknown>
  place[shown] = subject
  try {
    const expression = `globalThis[Symbol.for(${JSON.stringify(Symbol.keyFor(shown))})]`
    const { result } = await session.post('Runtime.evaluate', { expression })
    return await session.post('Runtime.getProperties', {
      objectId: result.objectId as string,
      ownProperties: true,
    })
  } finally {
    delete place[shown]
  }
}

/** Loaders add a query to tell versions of a module apart; CommonJS names files by their path. */
function pathOf(url: string): string | undefined {
  try {
    return realpathSync(url.startsWith('file:') ? fileURLToPath(new URL(url.replace(/[?#].*$/, ''))) : url)
  } catch {
    return undefined
  }
}

/** The script that was started. */
export function entryScript(): string | undefined {
  const [, script] = process.argv
  try {
    return script === undefined ? undefined : realpathSync(script)
  } catch {
    // Started by its name without the ending.
    return script
  }
}
