import { describe, expect, it } from 'vitest'
import { settingsFile } from '../../tests/support/settings-file.ts'

const { settingsOf } = settingsFile()

describe('warnings', () => {
  it('name everything without effect in one sentence', async () => {
    const settings = await settingsOf({
      dev: { binary_support: false, app_function: 'thampi-app.app' },
      live: { binary_support: true, events: [], app_function: 'shop.app', authorizer: { function: 'a.b' } },
      safe: { authorizer: { arn: 'arn:aws:lambda:eu-west-1:1:function:a' }, alb_enabled: null },
    })
    expect(settings.warnings).toEqual([
      'Settings without effect here: `binary_support` (dev, live), `events` (live), `app_function` (live), ' +
        '`authorizer` (live). Why: docs/reference/settings.md',
    ])
    // Still there for AWS, where it is refused: without it the endpoint would be open.
    expect(settings.stage('live').aws).toEqual({ authorizer: { function: 'a.b' } })
  })

  it('name unknown settings with the nearest known spelling', async () => {
    const settings = await settingsOf({
      dev: { memory_sise: 1, thampi: { packagemanager: 'conda' } },
      live: { memory_sise: 1, 'zzz\u001b[2J': 2 },
    })
    expect(settings.warnings).toEqual([
      'Unknown settings, ignored: `memory_sise` (dev, live; did you mean `memory_size`?), ' +
        '`thampi.packagemanager` (dev; did you mean `thampi.package_manager`?), `zzz\\u001b[2J` (live).',
    ])
  })

  it('do not go on for ever', async () => {
    const unknown = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`~${i}`, i]))
    const [warning] = (await settingsOf({ dev: unknown })).warnings
    expect(warning).toContain('`~9` (dev) and 490 more.')
  })

  it('say once that the Python of 2018 stands for the one that saved the model', async () => {
    const settings = await settingsOf({ dev: { runtime: 'python3.6' }, live: { extends: 'dev' } })
    expect(settings.warnings).toHaveLength(1)
    expect(settings.warnings[0]).toContain('(dev)')
    expect(settings.stage('live').python).toBeUndefined()
  })

  it('are not caused by our own word for the Python', async () => {
    const settings = await settingsOf({ dev: { runtime: 'python3.11', thampi: { python: '3.13' } } })
    expect(settings.warnings).toEqual([])
    expect(settings.stage().python).toBe('3.13')
  })

  it('are not caused by the Node of a model that needs no Python', async () => {
    const settings = await settingsOf({ dev: { runtime: 'nodejs22.x' } })
    expect(settings.warnings).toEqual([])
    expect(settings.stage()).toMatchObject({ node: '22', python: undefined })
  })
})
