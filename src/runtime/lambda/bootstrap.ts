/** How a function starts: this file, bundled with all it imports, stands in it as `lambda.mjs`; see `contract/lambda.md`. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Handler, openFunction } from './function.ts'

const root: string = process.env.LAMBDA_TASK_ROOT ?? dirname(fileURLToPath(import.meta.url))

/** What `thampi_handler.mjs` hands on to Lambda. */
export const handler: Handler = await openFunction(root, process.env)
