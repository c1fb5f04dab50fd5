import { expect, it } from 'vitest'
import { refuseKeyless } from './api-key.ts'

const keys = { accepts: (key: string): boolean => key === 'thampi_right' }

it.each([
  [{ 'x-api-key': 'thampi_right' }],
  [{ authorization: 'Bearer thampi_right' }],
  [{ authorization: 'bearer   thampi_right' }],
  [{ 'x-api-key': 'thampi_right', authorization: 'Basic c29tZWJvZHk6ZWxzZQ==' }],
])('%j opens', headers => {
  expect(refuseKeyless(headers, keys)).toBeUndefined()
})

it.each([
  [{}, 'has none'],
  [{ authorization: 'Basic thampi_right' }, 'has none'],
  [{ authorization: 'Bearer' }, 'has none'],
  [{ 'x-api-key': '' }, 'not one of this stage'],
  [{ 'x-api-key': 'thampi_wrong' }, 'not one of this stage'],
  // Node joins headers that came twice.
  [{ 'x-api-key': 'thampi_right, thampi_right' }, 'not one of this stage'],
  [{ 'x-api-key': 'thampi_wrong', authorization: 'Bearer thampi_right' }, 'not one of this stage'],
])('%j does not open, and what was sent is not repeated', (headers, why) => {
  const refusal = refuseKeyless(headers, keys)
  expect(refusal).toMatchObject({ code: 'unauthenticated', detail: expect.stringContaining(why) })
  expect(refusal?.headers[0]).toBe('WWW-Authenticate')
  expect(JSON.stringify(refusal)).not.toMatch(/thampi_(right|wrong)/)
})

it('without a ring everybody may ask', () => {
  expect(refuseKeyless({}, undefined)).toBeUndefined()
})
