/** How sandboxes end, in values and in words. */
import type { Failed } from '../wire/messages.ts'
import type { Exit } from './process.ts'

/** Why a sandbox is no more. */
export type Ending =
  | Exit
  | {
      readonly reason: 'out-of-memory' | 'protocol' | 'deadline' | 'unresponsive' | 'stopped' | 'not-started'
      readonly detail?: string
    }

/** Whether a process may have died of what it was doing, rather than been ended by us. */
export function isSelfMade({ reason }: Ending): boolean {
  return reason === 'exit' || reason === 'signal' || reason === 'out-of-memory' || reason === 'protocol'
}

/** The runtime said why it could not load the model. */
export class SandboxFailed extends Error {
  override readonly name = 'SandboxFailed'
  readonly failed: Failed
  constructor(failed: Failed) {
    super(failed.message)
    this.failed = failed
  }
}

/** Statuses that the runtime for Node ends with, `src/runtime/process.ts`. */
const exitMessages: Readonly<Record<number, string>> = {
  72: 'The model process ended because of an exception outside of any request; the log shows it.',
  73: 'The model process ended because a promise was rejected and nobody handled it; the log shows it.',
}

/** An ending in words, for logs and for people. */
export function describeEnding(ending: Ending): Failed {
  const code = 'MODEL_LOAD_FAILED'
  switch (ending.reason) {
    case 'exit':
      return {
        code,
        message:
          exitMessages[ending.status] ?? `The model process ended by itself with status ${ending.status}.`,
      }
    case 'signal':
      return {
        code,
        message: `The model process was ended by ${ending.signal}.`,
        // So ends Node when its heap is full, and Python when a library finds its memory damaged.
        ...(ending.signal === 'SIGABRT'
          ? {
              fix: 'read its last words in the log; for "heap out of memory" raise "memory_size" of the stage',
            }
          : {}),
      }
    case 'out-of-memory':
      return {
        code,
        message: `The model process needed more memory than the stage allows (${ending.detail}).`,
        fix: 'raise "memory_size" of the stage in zappa_settings.json',
      }
    case 'protocol':
      return { code, message: `The model process broke the protocol: ${ending.detail}.` }
    case 'deadline':
      return { code, message: 'The model process did not answer in time and was killed.' }
    case 'unresponsive':
      return { code, message: `The model process no longer reacted and was killed: ${ending.detail}.` }
    case 'stopped':
      return { code, message: 'The model process was stopped.' }
    case 'not-started':
      return { code, message: `The model process could not be started: ${ending.detail}.` }
  }
}
