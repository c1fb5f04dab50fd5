import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Flow } from './flow.ts'

describe('a measured flow', () => {
  it('lets a burst pass, then so much a second, and counts the rest', async () => {
    let now = 0
    const told: number[] = []
    const flow = new Flow(
      bytes => told.push(bytes),
      () => now,
    )
    const admitted = (): number => {
      let bytes = 0
      for (let i = 0; i < 4096; i++) if (flow.admits(1024)) bytes += 1024
      return bytes
    }
    expect(admitted()).toBe(1024 * 1024)
    now += 1000
    expect(admitted()).toBe(64 * 1024)
    now += 3_600_000
    expect(admitted()).toBe(1024 * 1024)
    expect(told).toEqual([])
    await sleep(1100)
    expect(told).toEqual([(3 * 4096 - 1024 - 64 - 1024) * 1024])
  })
})
