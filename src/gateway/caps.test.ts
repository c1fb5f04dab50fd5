import { expect, it } from 'vitest'
import { connectionCaps } from './caps.ts'

it('connections leave descriptors for everything else', () => {
  expect(connectionCaps(20_000)).toEqual([15_590, 3_898])
  expect(connectionCaps(1024)).toEqual([409, 103])
  expect(connectionCaps(64)).toEqual([25, 7])
  expect(connectionCaps(undefined)).toEqual([])
})
