/** The fault suite itself: `npm run faults` proves its figures, this proves in a second that it still can. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { figures } from './faults/figures/index.ts'
import { apply } from './faults/product.ts'

describe('the fault suite', () => {
  it('has a mutant for each figure', () => {
    expect(figures.filter(({ mutants }) => mutants.length === 0).map(({ id }) => id)).toEqual([])
  })

  it('has no figure twice', () => {
    expect(new Set(figures.map(({ id }) => id)).size).toBe(figures.length)
  })

  for (const { id, mutants } of figures) {
    for (const { name, edits } of mutants) {
      it(`can still make the bug of ${id}: ${name}`, () => {
        for (const edit of edits) {
          const text = readFileSync(edit.file, 'utf8')
          expect(apply(edit, text, name)).not.toBe(text)
        }
      })
    }
  }
})
