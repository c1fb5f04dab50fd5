import { expect, it } from 'vitest'
import { stageOf } from '../../../tests/support/lambda-models.ts'
import { apiOf } from './planned.ts'
import { accessOf } from './settings/access.ts'

it.each([
  [{}, 'HTTP API'],
  [{ apigateway_version: 'v1' }, 'REST API'],
  [{ apigateway_enabled: false, function_url_enabled: true }, undefined],
] as const)('a stage with %j is planned with the API that it gets: %s', (aws, api) => {
  const stage = stageOf({ aws })
  expect(apiOf(stage, accessOf(stage))).toBe(api)
})
