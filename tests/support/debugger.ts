/** Node's own debugger, attached to a program that waits for one, and spoken to as a person would. */
import { spawn } from 'node:child_process'

export interface Debugging {
  /** Types a line, and waits until it has said the words in answer. */
  say(line: string, words: RegExp): Promise<void>
  end(): void
}

/** Resolves when the program has stopped. */
export async function attach(address: string): Promise<Debugging> {
  const child = spawn(process.execPath, ['inspect', address], { stdio: ['pipe', 'pipe', 'inherit'] })
  let said = ''
  const listeners = new Set<() => void>()
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    said += piece
    for (const listener of listeners) listener()
  })
  const until = (words: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!words.test(said)) return
        listeners.delete(look)
        resolve()
      }
      listeners.add(look)
      child.once('close', () => reject(new Error(`the debugger ended without ${words}:\n${said}`)))
      look()
    })
  await until(/break in /)
  return {
    say: (line, words) => {
      said = ''
      child.stdin.write(`${line}\n`)
      return until(words)
    },
    end: () => void child.kill(),
  }
}
