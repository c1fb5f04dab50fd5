/**
 * `thampi replay --inspect`: a kept request in the foreground. A debugger that attaches finds the program stopped
 * where the model is asked.
 *
 *     node debugging.mjs FILE     a JSON document {start, body}: the message that starts a sandbox, and the request
 */
import { readFileSync } from 'node:fs'
import inspector from 'node:inspector'
import type { Start } from '../wire/messages.ts'
import { Asker } from './ask.ts'
import { report } from './blame.ts'
import { readData } from './body.ts'
import { CallContext } from './context.ts'
import { encode } from './encode.ts'
import { load } from './load.ts'

interface Asked {
  readonly start: Start
  readonly body: string
}

process.exitCode = await main(JSON.parse(readFileSync(process.argv[2] as string, 'utf8')))

/** Gives the exit status: 1 when the model throws again. */
async function main({ start, body }: Asked): Promise<number> {
  const { model, properties } = await load(start)
  const { stage, model: name, version } = start
  const context = new CallContext(
    { log: console, stage, model: name, version, properties },
    '',
    Number.POSITIVE_INFINITY,
  )
  await model.initialize?.(context)
  const data = readData(Buffer.from(body))
  inspector.open(0, '127.0.0.1')
  const { host } = new URL(inspector.url() as string)
  console.error(`Waiting for a debugger: chrome://inspect, your editor, or: node inspect ${host}`)
  inspector.waitForDebugger()
  try {
    // biome-ignore lint/suspicious/noDebugger: one step into the call below is the model
    debugger
    const result = await new Asker(model).one(data, context)
    console.error(`The model did not throw. It gave ${encode(result)}`)
    return 0
  } catch (error) {
    console.error(report(error))
    return 1
  }
}
