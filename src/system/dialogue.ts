/** A conversation in plain lines: prompts without decoration, so that it reads the same through a pipe. */
import { styleText } from 'node:util'
import { ThampiError } from '../errors.ts'

/** Where questions appear and answers come from. */
export interface Terminal {
  /** What a person types or a pipe delivers, such as `process.stdin`; closed when the conversation is over. */
  readonly input: AsyncIterable<string | Uint8Array>
  readonly write: (text: string) => void
  /** Somebody looks, and wants colours. */
  readonly color: boolean
  /** Aborted by Ctrl-C. */
  readonly signal?: AbortSignal | undefined
}

export interface Dialogue {
  /** The next line of the input. Throws `InputEnded` when there is none, `INTERRUPTED` on Ctrl-C. */
  readonly ask: (prompt: string) => Promise<string>
  readonly say: (line: string) => void
  readonly style: (format: Parameters<typeof styleText>[0], text: string) => string
  readonly close: () => void
}

/** There is no further answer; whoever asks knows what was still missing. */
export class InputEnded extends Error {}

/**
 * Opens a conversation. Nothing is read before the first question.
 *
 * @example
 * const { ask, close } = openDialogue({ input: process.stdin, write: text => process.stdout.write(text), color: false })
 * const answer = await ask('Are you sure? [y/n] ')
 * close()
 */
export function openDialogue({ input, write, color, signal }: Terminal): Dialogue {
  const lines = linesOf(input)
  const stopped = new Promise<never>((_, reject) => {
    const stop = (): void => reject(interrupted())
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
  })
  // Between two questions nobody waits for it; the next question still sees the rejection.
  stopped.catch(() => {})
  return {
    async ask(prompt) {
      write(prompt)
      const answer = await Promise.race([stopped, lines.next()])
      if (!answer.done) return answer.value
      write('\n')
      throw new InputEnded()
    },
    say: line => write(`${line}\n`),
    style: (format, text) => (color ? styleText(format, text, { validateStream: false }) : text),
    close: () => {
      // After Ctrl-C a read is still under way, and closing would wait for it: so nobody waits.
      lines.return(undefined).catch(() => {})
    },
  }
}

/** The lines of a stream as they come; a last one without an end counts when it has any text. */
async function* linesOf(input: Terminal['input']): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const piece of input) {
    rest += typeof piece === 'string' ? piece : decoder.decode(piece, { stream: true })
    const lines = rest.split(/\r?\n/)
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
  return undefined
}

export function interrupted(): ThampiError {
  return new ThampiError('INTERRUPTED', { message: 'Stopped with Ctrl-C.' })
}
