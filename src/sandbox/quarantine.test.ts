import { describe, expect, it } from 'vitest'
import { Quarantine } from './quarantine.ts'

const poison = Buffer.from('{"data":"poison"}')
const fine = Buffer.from('{"data":1}')

describe('a quarantine', () => {
  it('holds what ended two processes, for a minute, and nothing else', () => {
    let now = 0
    const quarantine = new Quarantine(() => now)
    quarantine.blame(poison)
    expect(quarantine.holds(poison)).toBe(false)
    now += 30_000
    quarantine.blame(Buffer.from(poison))
    expect([quarantine.holds(poison), quarantine.holds(fine)]).toEqual([true, false])
    now += 59_999
    expect(quarantine.holds(poison)).toBe(true)
    now += 1
    expect(quarantine.holds(poison)).toBe(false)
    expect(quarantine.isEmpty).toBe(true)
  })

  it('lets go what was answered after all', () => {
    const quarantine = new Quarantine()
    quarantine.blame(fine)
    quarantine.blame(fine)
    quarantine.clear(fine)
    expect(quarantine.holds(fine)).toBe(false)
  })

  it('does not grow without end', () => {
    const quarantine = new Quarantine()
    for (let i = 0; i < 3000; i++) quarantine.blame(Buffer.from(String(i % 1500)))
    for (const i of [0, 499]) expect(quarantine.holds(Buffer.from(String(i)))).toBe(false)
  })
})
