import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../../tests/support/python.ts'
import { writeModel } from './directory.ts'

const files = { 'model.mjs': 'new', 'thampi.json': '{}', 'saved.json': '{"new":true}' }

describe('the directory of a saved model', () => {
  it('appears with all its files, its parents too, and nothing beside it', async () => {
    const root = temporaryDirectory()
    await writeModel(join(root, 'deep', 'models', 'iris'), files)
    expect(readdirSync(join(root, 'deep', 'models'))).toEqual(['iris'])
    expect(readdirSync(join(root, 'deep', 'models', 'iris')).sort()).toEqual(Object.keys(files).sort())
  })

  it('is taken over: files of the model before go, files of its owner stay', async () => {
    const dir = join(temporaryDirectory(), 'iris')
    await writeModel(dir, { ...files, 'state.json': '{}', 'state.bin': 'x', 'receipts.jsonl': 'x' })
    writeFileSync(join(dir, 'notes.txt'), 'mine')
    await writeModel(dir, { ...files, 'model.mjs': 'newer' })
    expect(readdirSync(dir).sort()).toEqual(['model.mjs', 'notes.txt', 'saved.json', 'thampi.json'])
    expect(readFileSync(join(dir, 'model.mjs'), 'utf8')).toBe('newer')
  })

  it('loses what a run that was killed long ago left beside it, and no other', async () => {
    const root = temporaryDirectory()
    for (const name of ['.iris.saving-old', '.iris.saving-new', '.other.saving-old']) {
      mkdirSync(join(root, name))
      const ago = new Date(Date.now() - (name.endsWith('old') ? 2 : 0) * 24 * 3600_000)
      utimesSync(join(root, name), ago, ago)
    }
    await writeModel(join(root, 'iris'), files)
    expect(readdirSync(root).sort()).toEqual(['.iris.saving-new', '.other.saving-old', 'iris'])
  })

  it('does not replace a model that Python saved, nor a file', async () => {
    const root = temporaryDirectory()
    mkdirSync(join(root, 'pickled'))
    writeFileSync(join(root, 'pickled', 'model.pkl'), 'x')
    writeFileSync(join(root, 'file'), 'x')
    await expect(writeModel(join(root, 'pickled'), files)).rejects.toMatchObject({ code: 'MODEL_INVALID' })
    expect(readdirSync(join(root, 'pickled'))).toEqual(['model.pkl'])
    for (const place of ['file', 'file/iris'])
      await expect(writeModel(join(root, place), files)).rejects.toMatchObject({
        code: 'MODEL_INVALID',
        message: expect.stringContaining('a file stands in the way'),
      })
  })
})
