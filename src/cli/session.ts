/** What every command is handed: how to speak, which flags hold everywhere, how it hears Ctrl-C. */
import type { Output } from './output.ts'

export interface Session {
  readonly output: Output
  /** `-s`: undefined means the settings file of the current directory, if there is one. */
  readonly settingsFile: string | undefined
  readonly platform: string | undefined
  /** False after `--no-input`: ask nothing, fail naming the flag instead. */
  readonly mayAsk: boolean
  /** A command that calls this ends by itself when the signal is aborted; others are ended at once. */
  interrupts(): AbortSignal
}

/** What a command gives back: its exit status, 0 when it says nothing. */
export type Done = Promise<number | undefined>
