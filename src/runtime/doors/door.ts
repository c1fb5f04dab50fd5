/**
 * Doors: other protocols in which the same model can be asked. A request that came through one says so (`extra.door` on
 * the wire); without it the body is `{"data": …}`. `contract/doors.json` has requests and their answers.
 */
import { Problem, problemDocument, type Source } from '../problem.ts'

/** What a request asks. */
export interface Asked {
  /** For one call of the model. */
  readonly data?: unknown
  /** For a call each; beats `data`. */
  readonly inputs?: readonly unknown[]
  /** What the caller sent beside the input. */
  readonly params?: Readonly<Record<string, unknown>>
  /** What the door needs again for the answer. */
  readonly note?: unknown
}

export interface Door {
  /** Throws `Problem`. */
  read(body: Buffer, contentType: string | undefined): Asked
  /** The answer's body, undefined for the usual one. Throws `NotJson`, `Problem`. */
  write(asked: Asked, result: unknown, about: About): string | undefined
  /** The body that says what went wrong. */
  refuse(problem: Problem, about: About): Buffer
}

export interface About {
  readonly source: Source
  readonly requestId: string
  readonly onMissing: (where: string) => void
}

/** Where doors stand that this runtime does not have: nothing is taken for `{"data": …}` that is not. */
export const unknownDoor: Door = {
  read: () => {
    const detail = 'The runtime of this version does not speak this protocol.'
    throw new Problem('no-such-route', { detail, hint: 'Serve it again.' })
  },
  write: () => undefined,
  refuse: (problem, { source, requestId }) => problemDocument(problem, source, requestId, false),
}

/** Doors by their names on the wire, loaded when one is used: most models never need them. */
export async function doorNamed(name: string): Promise<Door> {
  switch (name) {
    case 'v2':
      return (await import('./v2.ts')).v2
    case 'v1':
      return (await import('./v1.ts')).v1
    case 'mlflow':
      return (await import('./mlflow.ts')).mlflow
    default:
      return unknownDoor
  }
}
