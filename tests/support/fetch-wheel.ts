/** Fetches one wheel, given as JSON, in a process that can be killed. */
import { fetchWheels } from '../../src/bundle/wheels/fetch.ts'
import { realSystem } from '../../src/system/system.ts'

await fetchWheels([JSON.parse(process.argv[2] as string)], realSystem())
