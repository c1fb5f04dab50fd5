/**
 * Programs that load an unpacked function and hand it events, one a line of standard input, in a process of its own. What
 * the function says goes to the file they are given, one JSON document a line, because standard output is the model's.
 */

/** Arguments: task root, layer root, file for answers. `-S` keeps out what is installed beside this Python: Lambda has not got it. */
export const pythonDriver = `import json, os, sys
task, layers, answers = sys.argv[1:4]
sys.path[:0] = [task, os.path.join(layers, "python")]
os.chdir(task)
events = [json.loads(line) for line in sys.stdin if line.strip()]
with open(answers, "w", encoding="utf-8") as out:
    def say(**said):
        out.write(json.dumps(said) + "\\n")
        out.flush()
    class Context:
        function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:" + function_name
        memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        aws_request_id = "00000000-0000-4000-8000-000000000000"
        client_context = identity = None
        def get_remaining_time_in_millis(self):
            return 60000
    import time, traceback
    began = time.monotonic()
    try:
        import thampi_handler
        say(imported=round((time.monotonic() - began) * 1000))
        for event in events:
            began = time.monotonic()
            answer = thampi_handler.handler(event, Context())
            say(answer=answer, ms=round((time.monotonic() - began) * 1000))
    except BaseException as error:
        say(error=type(error).__name__ + ": " + str(error), trace=traceback.format_exc())
`

/** Arguments: task root, file for answers. */
export const nodeDriver = `import { openSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
const [task, answers] = process.argv.slice(-2)
process.chdir(task)
const events = readFileSync(0, 'utf8').split('\\n').filter(Boolean).map(line => JSON.parse(line))
const out = openSync(answers, 'w')
const say = said => writeSync(out, JSON.stringify(said) + '\\n')
const context = {
  functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
  functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:' + process.env.AWS_LAMBDA_FUNCTION_NAME,
  memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
  awsRequestId: '00000000-0000-4000-8000-000000000000',
  getRemainingTimeInMillis: () => 60000,
}
const failed = error => {
  say({ error: String(error), trace: error?.stack ?? String(error) })
  process.exit(0)
}
process.on('uncaughtException', failed)
let began = performance.now()
const { handler } = await import(pathToFileURL(join(task, 'thampi_handler.mjs')).href).catch(failed)
say({ imported: Math.round(performance.now() - began) })
for (const event of events) {
  began = performance.now()
  const answer = await Promise.resolve(handler(event, context)).catch(failed)
  say({ answer, ms: Math.round(performance.now() - began) })
}
process.exit(0)
`
