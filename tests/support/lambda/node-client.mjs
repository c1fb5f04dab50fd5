/** What the managed Node runtime does with a function: load its handler, ask for events, hand over what it returns. */
import { existsSync, writeSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'

const { AWS_LAMBDA_RUNTIME_API: address, LAMBDA_TASK_ROOT: taskRoot, _HANDLER: name } = process.env
const env = process.env
let requestId

// As in Lambda, `console` writes lines of its own; what goes to `process.stdout` goes as it is.
for (const [method, level] of Object.entries({
  debug: 'DEBUG',
  info: 'INFO',
  log: 'INFO',
  warn: 'WARN',
  error: 'ERROR',
})) {
  console[method] = (...parts) => {
    const text = format(...parts).replaceAll('\n', '\r')
    writeSync(1, `${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`)
  }
}

function call(method, path, body = '', headers = {}) {
  const [host, port] = address.split(':')
  return new Promise((done, failed) => {
    const asked = request(
      { host, port, method, path: `/2018-06-01/runtime/${path}`, headers, agent: false },
      answer => {
        const pieces = []
        answer.on('data', piece => pieces.push(piece))
        answer.on('end', () => done({ headers: answer.headers, body: Buffer.concat(pieces) }))
      },
    )
    asked.on('error', failed).end(body)
  })
}

function errorBody(error) {
  if (!(error instanceof Error))
    return JSON.stringify({ errorType: typeof error, errorMessage: String(error), trace: [] })
  const { name: errorType, message: errorMessage, stack = '' } = error
  return JSON.stringify({ errorType, errorMessage, trace: stack.split('\n') })
}

function failure(errorType, message) {
  return Object.assign(new Error(message), { name: errorType })
}

async function load() {
  const dot = name.lastIndexOf('.')
  const [file, key] = [name.slice(0, dot), name.slice(dot + 1)]
  const path = ['.mjs', '.js', '.cjs'].map(suffix => join(taskRoot, file + suffix)).find(existsSync)
  if (!path) throw failure('Runtime.ImportModuleError', `Error: Cannot find module '${file}'`)
  const handler = (await import(pathToFileURL(path).href))[key]
  if (typeof handler !== 'function')
    throw failure('Runtime.HandlerNotFound', `${name} is undefined or not exported`)
  if (handler.length > 2 && Number(/nodejs(\d+)/.exec(env.AWS_EXECUTION_ENV)?.[1]) >= 24)
    throw failure(
      'Runtime.CallbackHandlerDeprecated',
      'Callback-based function handlers are no longer supported.',
    )
  return handler
}

function contextOf(headers) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  return {
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  }
}

/** Old handlers call back, new ones return a promise. */
function ask(handler, event, context) {
  return new Promise((done, failed) => {
    const result = handler(event, context, (error, value) => (error ? failed(error) : done(value)))
    if (typeof result?.then === 'function') result.then(done, failed)
    else if (handler.length < 3) done(result)
  })
}

function uncaught(error, errorType) {
  const path = requestId ? `invocation/${requestId}/error` : 'init/error'
  const body = JSON.stringify({ ...JSON.parse(errorBody(error)), errorType })
  const end = () => process.exit(128)
  // Where nobody is there to be told, the end is all the same.
  void call('POST', path, body).then(end, end)
}
process.on('uncaughtException', error => uncaught(error, error?.name))
process.on('unhandledRejection', reason => uncaught(reason, 'Runtime.UnhandledPromiseRejection'))

let handler
try {
  handler = await load()
} catch (error) {
  await call('POST', 'init/error', errorBody(error))
  process.exit(1)
}
for (;;) {
  const { headers, body } = await call('GET', 'invocation/next')
  const context = contextOf(headers)
  requestId = context.awsRequestId
  process.env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id']
  try {
    const result = await ask(handler, JSON.parse(body.toString()), context)
    await call('POST', `invocation/${requestId}/response`, JSON.stringify(result ?? null))
  } catch (error) {
    await call('POST', `invocation/${requestId}/error`, errorBody(error))
  }
  requestId = undefined
}
