import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { saveSource } from '../tests/support/node-runtime.ts'
import { python, temporaryDirectory } from '../tests/support/python.ts'
import { openEngine } from './engine.ts'
import { layout } from './platforms/local/layout.ts'
import { stopHost } from './platforms/local/start-host.ts'
import { serve } from './serve.ts'
import { places } from './system/places.ts'
import { realSystem, type System } from './system/system.ts'

describe('functions of the project, while it is served', () => {
  const home = temporaryDirectory()
  const env = { ...process.env, THAMPI_HOME: home, THAMPI_PYTHON: python, PORT: undefined }
  const told: string[] = []
  let cwd = ''
  const system = (): System => ({
    ...realSystem(line => told.push(line)),
    ...{ env, cwd, places: places(env) },
  })
  afterAll(() => stopHost(layout(places(env).state)))
  beforeEach(() => {
    told.length = 0
    cwd = temporaryDirectory()
  })

  async function served(keys: object, hooks: string): Promise<Awaited<ReturnType<typeof serve>>> {
    const stage = { project_name: 'mymodel', thampi: { platform: 'local' }, ...keys }
    writeFileSync(join(cwd, 'zappa_settings.json'), JSON.stringify({ dev: stage }))
    writeFileSync(join(cwd, 'hooks.py'), hooks)
    const modelDir = await saveSource(`export default class { predict() { return ${Math.random()} } }`)
    return serve('dev', { modelDir }, await openEngine({ system: system() }))
  }

  it('run at their moments, with what they take', async () => {
    const callbacks = { settings: 'hooks.note', zip: 'hooks.note', post: 'hooks.note' }
    const { deployment } = await served(
      { callbacks, prebuild_script: 'hooks.build' },
      `import json
def note(about):
    print("noted", about.moment)
    with open("notes", "a") as notes: notes.write(json.dumps(vars(about)) + "\\n")
def build():
    with open("notes", "a") as notes: notes.write('{"moment": "prebuild"}\\n')
`,
    )
    const notes = readFileSync(join(cwd, 'notes'), 'utf8').trim().split('\n')
    const about = { stage: 'dev', model: 'mymodel', platform: 'local' }
    expect(notes.map(line => JSON.parse(line))).toEqual([
      { moment: 'settings', ...about },
      { moment: 'prebuild' },
      { moment: 'zip', ...about },
      { moment: 'post', ...about, url: deployment.url, version: 1 },
    ])
    expect(told).toContain('noted settings')
  })

  it('that fail before the release keep it from happening, and say what they said', async () => {
    const failing = served({ prebuild_script: 'hooks.build' }, 'def build(): raise ValueError("no data")')
    await expect(failing).rejects.toMatchObject({
      code: 'HOOK_FAILED',
      message: 'hooks.build (`prebuild_script` of stage `dev`) failed: ValueError: no data',
      why: 'Nothing was released.',
    })
    expect(told.join('\n')).not.toContain('serves dev')
  })

  it('that fail afterwards say that the traffic has moved', async () => {
    const failing = served({ callbacks: { post: 'hooks.missing' } }, '')
    await expect(failing).rejects.toMatchObject({
      code: 'HOOK_FAILED',
      message: expect.stringContaining("has no attribute 'missing'"),
      why: expect.stringContaining('The traffic has moved all the same: version'),
    })
  })

  it('do not run in a rehearsal', async () => {
    const { rehearse } = await import('./rehearse.ts')
    const stage = { project_name: 'other', thampi: { platform: 'local' }, prebuild_script: 'hooks.build' }
    writeFileSync(join(cwd, 'zappa_settings.json'), JSON.stringify({ dev: stage }))
    writeFileSync(join(cwd, 'hooks.py'), 'def build(): open("built", "w")')
    const modelDir = await saveSource('export default class { predict() { return 1 } }')
    await rehearse('dev', { modelDir }, await openEngine({ system: system() }))
    expect(existsSync(join(cwd, 'built'))).toBe(false)
  })

  it('are named in the settings as module and function, or refused', async () => {
    await expect(served({ prebuild_script: 'hooks.py build' }, '')).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      why: expect.stringContaining('such as "hooks.train"'),
    })
  })
})
