import { readFile, symlink } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { refusal } from '../../tests/support/failure.ts'
import { settingsFile } from '../../tests/support/settings-file.ts'
import { ThampiError } from '../errors.ts'

const { at, write, read, settingsOf } = settingsFile()

describe('the file', () => {
  const toml = '[dev]\nproject_name = "wine"\nkeep_warm = false\n[dev.thampi]\npackage_manager = "conda"\n'
  const yaml = 'dev:\n  project_name: wine\n  keep_warm: no\n  thampi: {package_manager: conda}\n'

  it.each([
    ['zappa_settings.toml', toml],
    ['zappa_settings.yml', yaml],
    ['zappa_settings.yaml', yaml],
    ['elsewhere.toml', toml],
    [
      'zappa.conf',
      '{"dev": {"project_name": "wine", "keep_warm": false, "thampi": {"package_manager": "conda"}}}',
    ],
  ])('may be %s', async (name, text) => {
    await write(text, name)
    const settings = await read(name.startsWith('zappa_settings') ? {} : { file: name })
    expect(settings.path).toBe(at(name))
    expect(settings.stage()).toMatchObject({ model: 'wine', keepWarm: false, installer: 'conda' })
  })

  it('in JSON wins over the other formats', async () => {
    await write(toml, 'zappa_settings.toml')
    await write({ live: {} })
    expect((await read()).stageNames).toEqual(['live'])
  })

  it('may share lines by the anchors of YAML', async () => {
    await write(
      'dev: &base\n  memory_size: 1024\nlive:\n  <<: *base\n  project_name: wine\n',
      'zappa_settings.yml',
    )
    expect((await read()).stage('live')).toMatchObject({ model: 'wine', memoryMb: 1024 })
  })

  it('may start with a byte order mark and a $schema, which is no stage', async () => {
    await write('\uFEFF{"$schema": "https://example.com/zappa_settings.schema.json", "dev": {}}')
    expect(await read()).toMatchObject({ stageNames: ['dev'], warnings: [] })
  })

  it.each([
    ['nothing at all', '', 'It is empty.'],
    ['white space', '\uFEFF \n', 'It is empty.'],
    ['a list', '[1]', 'It must be an object of stages'],
    ['a number', '1e999', 'It must be an object of stages'],
    ['no stage', '{"$schema": "x"}', 'It has no stage.'],
    ['text in UTF-16', '\uFFFD\uFFFD{\0}\0', 'It is not text in UTF-8'],
    ['a comment', '// mine\n{}', 'It is not JSON'],
  ])('cannot be %s', async (_, text, why) => {
    await write(text)
    const error = await refusal(read)
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID' })
    expect(error.message).toMatch(/^zappa_settings\.json/)
    expect(error.why).toContain(why)
  })

  it('cannot be a link to itself', async () => {
    await symlink('zappa_settings.json', at('zappa_settings.json'))
    expect(await refusal(read)).toMatchObject({ code: 'SETTINGS_INVALID', why: 'It cannot be read (ELOOP).' })
  })

  it('cannot be a directory', async () => {
    const error = await refusal(() => read({ file: '.' }))
    expect(error).toMatchObject({ code: 'SETTINGS_INVALID', why: 'It is a directory.' })
  })

  it.each([
    ['zappa_settings.json', '{\n "dev": {\n  "memory_size": 1,\n }\n}', 'line 4, cannot be used.'],
    ['zappa_settings.json', '{\n "dev": {\n', 'line 2, cannot be used.'],
    ['zappa_settings.json', '{\n "dev": {},\n "live": 3\n}', 'line 3, cannot be used.'],
    ['zappa_settings.toml', '[dev]\nmemory_size =\n', 'line 2, cannot be used.'],
    ['zappa_settings.toml', '[dev]\nmemory_size = 99999999999999999999\n', 'line 2, cannot be used.'],
    ['zappa_settings.yml', 'dev:\n  a: 1\n  a: 2\n', 'line 3, cannot be used.'],
    ['zappa_settings.yml', 'dev:\n  a: *nowhere\n', 'cannot be used.'],
  ])('%s says on which line it is broken: %j', async (name, text, expected) => {
    await write(text, name)
    const { code, message } = await refusal(read)
    expect(code).toBe('SETTINGS_INVALID')
    expect(message).toContain(expected)
  })

  it('that expands without end is refused', async () => {
    const levels = 'abcdefghij'.split('')
    const bomb = levels.map((name, i) => `${name}: &${name} [${`*${levels[i - 1]},`.repeat(i && 9)}1]`)
    await write(bomb.join('\n'), 'zappa_settings.yml')
    expect(await refusal(read)).toMatchObject({ code: 'SETTINGS_INVALID' })
  })

  it.each(['my-stage', '__proto__', 'a\nb', '', 'x'.repeat(65)])(
    'cannot have a stage named %j',
    async name => {
      const error = await refusal(() => settingsOf(`{"dev": {}, ${JSON.stringify(name)}: {}}`))
      expect(error.code).toBe('NAME_INVALID')
      expect(error.message).not.toMatch(/[\n]/)
    },
  )

  it('may have a stage named constructor', async () => {
    const settings = await settingsOf({ constructor: { project_name: 'wine' } })
    expect(settings.stage('constructor').model).toBe('wine')
  })

  it('is not changed by being read', async () => {
    const text = '{"dev":{"project_name":"wine",\n\n"colour": 1.0}}'
    await write(text)
    ;(await read()).stage()
    expect(await readFile(at('zappa_settings.json'), 'utf8')).toBe(text)
  })

  it('cannot have two stages that share a function on AWS', async () => {
    const error = await refusal(() =>
      settingsOf({ dev: { project_name: 'My_wine' }, Dev: { project_name: 'my-wine' } }),
    )
    expect(error).toMatchObject({ code: 'NAME_TAKEN', exit: 5 })
    expect(error.message).toBe('Stages `dev` and `Dev` of zappa_settings.json would share one function.')
    expect(error.why).toContain('`my-wine-dev`')
  })

  it.each([
    [{ a: { extends: 'b' }, b: { extends: 'c' }, c: { extends: 'a' } }, '`a` → `b` → `c` → `a`'],
    [{ a: { extends: 'a' } }, '`a` → `a`'],
    [{ a: { extends: 'basis' }, base: {}, bases: {} }, 'Did you mean `bases`?'],
    [{ a: { extends: 'toString' } }, 'It extends `toString`, which is not in zappa_settings.json.'],
    [{ a: { extends: ['b'] }, b: {} }, 'must be the name of a stage'],
  ])('cannot extend what leads nowhere: %j', async (content, why) => {
    const error = await refusal(() => settingsOf(content))
    expect(error.code).toBe('SETTINGS_INVALID')
    expect(error.why).toContain(why)
  })
})

describe('whatever the file holds', () => {
  const knownKeys = fc.constantFrom(
    'memory_size',
    'extends',
    'thampi',
    'runtime',
    'cors',
    'project_name',
    '__proto__',
  )
  const stages = fc.dictionary(
    fc.constantFrom('dev', 'staging', 'production', 'constructor'),
    fc.dictionary(fc.oneof(knownKeys, fc.string()), fc.oneof(fc.jsonValue(), fc.constant('dev'))),
  )

  async function readAll(text: string, name: string): Promise<void> {
    await write(text, name)
    try {
      const settings = await read({ file: name })
      for (const stage of settings.stageNames) {
        try {
          settings.stage(stage)
        } catch (error) {
          expect(error).toBeInstanceOf(ThampiError)
        }
      }
    } catch (error) {
      expect(error).toBeInstanceOf(ThampiError)
    }
  }

  it('only a ThampiError is thrown: well-formed files', async () => {
    await fc.assert(
      fc.asyncProperty(stages, async content => readAll(JSON.stringify(content), 'a.json')),
      { numRuns: 300 },
    )
  })

  it.each(['a.json', 'a.toml', 'a.yml'])('only a ThampiError is thrown: any text as %s', async name => {
    const pieces = fc.constantFrom(
      'dev',
      ':',
      '=',
      '{',
      '}',
      '[',
      ']',
      '"',
      '\n',
      ' ',
      ',',
      '&a',
      '*a',
      '!!set',
      '1',
      '?',
      '-',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces).map(parts => parts.join('')),
    )
    await fc.assert(
      fc.asyncProperty(text, async content => readAll(content, name)),
      { numRuns: 300 },
    )
  })

  it('unknown keys change nothing but the warnings', async () => {
    const key = fc.string({ minLength: 1 }).map(name => `~${name}`)
    await fc.assert(
      fc.asyncProperty(fc.dictionary(key, fc.jsonValue(), { minKeys: 1 }), async unknown => {
        const plain = (await settingsOf({ dev: { project_name: 'wine', memory_size: 1024 } })).stage()
        const settings = await settingsOf({ dev: { project_name: 'wine', ...unknown, memory_size: 1024 } })
        expect(settings.stage()).toEqual(plain)
        expect(settings.warnings.length).toBeLessThanOrEqual(1)
      }),
      { numRuns: 100 },
    )
  })
})
