import { expect, it } from 'vitest'
import { namesOf } from './names.ts'

it('calls the function, the log and the role as the original did', () => {
  expect(namesOf({ model: 'My_Model', stage: 'staging' })).toMatchObject({
    function: 'my-model-staging',
    role: 'my-model-staging-ZappaLambdaExecutionRole',
    logGroup: '/aws/lambda/my-model-staging',
    stateKey: 'thampi/staging/My_Model/state.json',
  })
})

it('keeps names of roles within what IAM takes, and two stages apart', () => {
  const long = 'a'.repeat(50)
  const one = namesOf({ model: long, stage: 'staging' })
  const other = namesOf({ model: long, stage: 'staging2' })
  for (const name of [one.role, one.warm, one.warmRole]) expect(name.length).toBeLessThanOrEqual(64)
  expect(one.role).not.toBe(other.role)
  expect(one.role.endsWith('-ZappaLambdaExecutionRole')).toBe(true)
})
