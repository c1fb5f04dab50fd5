/** KServe's protocol V1: `{"instances": […]}` → `{"predictions": […]}`; the model is asked once for each. */
import { readObject } from '../body.ts'
import { encode } from '../encode.ts'
import { Problem } from '../problem.ts'
import type { Door } from './door.ts'
import { v2 } from './v2.ts'

export const v1: Door = {
  read: body => {
    const { instances } = readObject(body)
    if (Array.isArray(instances)) return { inputs: instances }
    const detail = '`instances` is a list of inputs.'
    throw new Problem('invalid-request', { detail, hint: 'Send {"instances": [ … ]}.' })
  },
  write: (_, result, { onMissing }) => `{"predictions":${encode(result, onMissing)}}\n`,
  refuse: v2.refuse,
}
