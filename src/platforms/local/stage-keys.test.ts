import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { newKey, StageKeys } from './stage-keys.ts'

const base = mkdtempSync(join(tmpdir(), 'thampi-keys-'))
afterAll(() => rmSync(base, { recursive: true }))

const now = new Date('2026-11-23T03:00:00Z')
let path: string
let keys: StageKeys
let count = 0

beforeEach(async () => {
  path = join(base, String(count++), 'keys.json')
  keys = await StageKeys.open(path, newKey())
})

describe('API keys', () => {
  it('have 256 random bits behind a word that scanners find', async () => {
    const made = await Promise.all([keys.create('a', now), keys.create('b', now)])
    for (const key of made) expect(key).toMatch(/^thampi_[A-Za-z0-9_-]{43}$/)
    expect(new Set(made).size).toBe(2)
  })

  it('open from the moment they were made to the moment they were taken back', async () => {
    const key = await keys.create('billing', now)
    expect(keys.accepts(key)).toBe(true)
    expect(await keys.revoke('billing')).toBe(true)
    expect(keys.accepts(key)).toBe(false)
    expect(await keys.revoke('billing')).toBe(false)
  })

  it('are known again after a restart, though they stand nowhere', async () => {
    const key = await keys.create('billing', now)
    const later = await StageKeys.open(path, newKey())
    expect(later.accepts(key)).toBe(true)
    expect(later.list()).toEqual([{ name: 'billing', createdTimeUtc: '2026-11-23T03:00:00' }])
    expect(readFileSync(path, 'utf8')).not.toContain(key.slice('thampi_'.length))
  })

  it.skipIf(process.platform === 'win32')('lie in a file that its owner alone can read', async () => {
    const before = process.umask(0)
    try {
      await keys.create('billing', now)
    } finally {
      process.umask(before)
    }
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(path, '..')).mode & 0o777).toBe(0o700)
  })

  it('that are made at the same time are all kept', async () => {
    const made = await Promise.all(['a', 'b', 'c', 'd'].map(name => keys.create(name, now)))
    await keys.revoke('b')
    const later = await StageKeys.open(path, newKey())
    expect(made.map(key => later.accepts(key))).toEqual([true, false, true, true])
  })

  it('of one name are not made twice', async () => {
    const key = await keys.create('billing', now)
    await expect(keys.create('billing', now)).rejects.toMatchObject({ code: 'KEY_EXISTS' })
    expect(keys.accepts(key)).toBe(true)
  })

  it('are opened by nothing near them', async () => {
    const key = await keys.create('billing', now)
    for (const near of ['', 'thampi_', key.slice(0, -1), `${key}=`, key.toUpperCase(), ` ${key}`])
      expect(keys.accepts(near), near).toBe(false)
  })

  it('are shut when their file is not as it was written', async () => {
    await keys.create('billing', now)
    writeFileSync(path, readFileSync(path, 'utf8').replace('billing', 'somebody'))
    await expect(StageKeys.open(path, newKey())).rejects.toMatchObject({ code: 'INTEGRITY' })
  })

  it('of the owner are accepted and written nowhere', async () => {
    const own = newKey()
    const opened = await StageKeys.open(path, own)
    await opened.create('billing', now)
    expect(opened.accepts(own)).toBe(true)
    expect(opened.list().map(({ name }) => name)).toEqual(['billing'])
    expect((await StageKeys.open(path, newKey())).accepts(own)).toBe(false)
  })
})
