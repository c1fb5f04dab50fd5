/**
 * The process in a sandbox: loads one model, then answers requests until it is told to stop.
 *
 * It speaks with the host on descriptors 3 (in) and 4 (out); see `contract/wire.md`. One thread does it all.
 */
import { Socket } from 'node:net'
import { FrameReader, WireError } from '../wire/frame.ts'
import { protocol, type Start } from '../wire/messages.ts'
import { decodeForRuntime, failedFrame, readyFrame } from '../wire/runtime-side.ts'
import { Together } from './batch.ts'
import { describe, ExitCalled, report } from './blame.ts'
import { Concurrently } from './concurrent.ts'
import { failedOf, LoadFailure } from './failure.ts'
import { Logs } from './logs.ts'
import { type Conversation, OneByOne } from './loop.ts'
import { prepare, versionOfRuntime } from './prepare.ts'
import { dieWithParent, end, exitStatus, forbidExit, writeAll } from './process.ts'

const hostToRuntime = 3
const runtimeToHost = 4

/** Runs until the host stops us or goes away. */
export function main(): void {
  process.on('SIGINT', () => {}) // Ctrl-C in a terminal is the host's to handle.
  const incoming = new Socket({ fd: hostToRuntime, readable: true, writable: false })
  const frames = new FrameReader()
  let loop: OneByOne | undefined
  // Nothing of the model may hold the process back when the host has gone.
  incoming.on('end', () => end(0)).on('error', () => end(0))
  incoming.on('data', (chunk: Buffer) => {
    try {
      if (loop) return loop.receive(chunk, frames)
      const [first] = frames.push(chunk)
      if (!first) return
      const message = decodeForRuntime(first)
      if (message.type !== 'start') throw new WireError('the first message is not `start`')
      // Requests come after `ready` only.
      incoming.pause()
      void begin(message.start).then(started => {
        loop = started
        incoming.resume()
      })
    } catch (error) {
      brokenProtocol(error)
    }
  })
}

/** Loads the model as the host says and reports `ready`; or reports `failed` and ends the process. */
async function begin(start: Start): Promise<OneByOne> {
  const began = performance.now()
  const logs = new Logs(start.logLevel)
  logs.takeOver()
  forbidExit()
  // Until the model is loaded, what nobody caught is why it could not be.
  const lost = (error: unknown): never => fail(error, logs)
  process.on('uncaughtException', lost)
  try {
    if (start.protocol !== protocol) throw foreign(start.protocol)
    const conversation = { ...(await prepare(start, logs)), logs, outgoing: runtimeToHost }
    logs.end()
    process.off('uncaughtException', lost)
    process.on('uncaughtException', (error, origin) => endUncaught(error, origin, logs))
    const loop = loopOf(start, conversation)
    const loadMs = Math.round(performance.now() - began)
    const ready = {
      ...{ protocol, runtime: 'node', version: versionOfRuntime(), language: process.versions.node },
      ...{ credits: loop.credits, batch: loop.batch, modules: [], fork: false, loadMs },
    }
    writeAll(runtimeToHost, readyFrame(ready))
    dieWithParent()
    return loop
  } catch (error) {
    return fail(error, logs)
  }
}

/** How this model gets its requests: together if it takes them so, else several at once or one by one. */
function loopOf({ maxBatch, maxConcurrency }: Start, conversation: Conversation): OneByOne {
  if (maxBatch > 1 && conversation.answerer.ask.batches) return new Together(conversation, maxBatch)
  return maxConcurrency > 1 ? new Concurrently(conversation, maxConcurrency) : new OneByOne(conversation)
}

function foreign(theirs: number): LoadFailure {
  return new LoadFailure('INTERNAL', {
    message: `The host speaks protocol ${theirs}, this runtime speaks ${protocol}.`,
    fix: 'use the same version of thampi on both sides',
  })
}

function fail(error: unknown, logs: Logs): never {
  logs.end()
  writeAll(runtimeToHost, failedFrame(failedOf(error)))
  return end(exitStatus.failed)
}

/** Outside of any request nobody can be told but the log; the host replaces the process and knows the status. */
function endUncaught(error: unknown, origin: string, logs: Logs): never {
  if (error instanceof WireError) return brokenProtocol(error)
  if (error instanceof ExitCalled) {
    logs.write('ERROR', `${error.message} outside of a request`)
    return end(Number(error.status) || 0)
  }
  const rejected = origin === 'unhandledRejection'
  logs.write(
    'ERROR',
    `${rejected ? 'a rejected promise that nobody handled' : 'an exception outside of a request'}: ${report(error)}`,
  )
  return end(rejected ? exitStatus.unhandled : exitStatus.uncaught)
}

function brokenProtocol(error: unknown): never {
  writeAll(2, Buffer.from(`thampi: the host broke the protocol: ${describe(error)}\n`))
  return end(exitStatus.protocol)
}
