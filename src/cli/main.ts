#!/usr/bin/env node
/** The entry point: argv in, text out, exit status. Light, because everything else waits for it. */
import { version } from '../system/version.ts'

const args = process.argv.slice(2)
if (args.length === 1 && (args[0] === '--version' || args[0] === '-v')) {
  process.stdout.write(`thampi ${version}\n`)
} else {
  const { runCommandLine } = await import('./run.ts')
  await runCommandLine(args)
}
