/** Ids of what is at a runtime: never given twice, found again, in order. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type OpenRequest, OpenRequests } from './open-requests.ts'

describe('open requests', () => {
  it('behave like a map whose keys nobody else chooses', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constant('add' as const), fc.nat(400)), { maxLength: 600 }), steps => {
        const open = new OpenRequests<OpenRequest>()
        const model = new Map<number, OpenRequest>()
        for (const step of steps) {
          if (step === 'add') {
            const request = { id: 0 }
            open.add(request)
            expect(request.id).toBeGreaterThan(0)
            expect(model.has(request.id)).toBe(false)
            model.set(request.id, request)
          } else {
            // An id that is open, if there is one; every tenth time one that is not.
            const id = step % 10 === 0 ? step + 1_000_000 : ([...model.keys()][step % (model.size || 1)] ?? 7)
            expect(open.take(id)).toBe(model.get(id))
            model.delete(id)
          }
          expect(open.size).toBe(model.size)
        }
        expect(open.drain()).toEqual([...model.values()])
        expect(open.size).toBe(0)
      }),
    )
  })

  it('never gives an id again while many others come and go', () => {
    const open = new OpenRequests<OpenRequest>()
    const slow = { id: 0 }
    open.add(slow)
    for (let i = 0; i < 100_000; i++) {
      const quick = { id: 0 }
      open.add(quick)
      expect(quick.id).not.toBe(slow.id)
      expect(open.take(quick.id)).toBe(quick)
      if (i % 1000 === 0) expect(open.take(quick.id)).toBeUndefined()
    }
    expect(open.take(slow.id)).toBe(slow)
  })
})
