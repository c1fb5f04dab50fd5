import { copyFileSync, cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { python, saveModel, temporaryDirectory } from '../tests/support/python.ts'
import { addExample, listExamples, removeExamples } from './examples.ts'
import { readModel } from './model/read.ts'
import { realSystem } from './system/system.ts'

describe('examples of a saved model', () => {
  let original = ''
  beforeAll(() => {
    original = saveModel('def predict(self, args, context): return {"double": args["x"] * 2}', {
      examples: '[{"x": 1.0}, {"x": 2}]',
    })
  })
  const copy = (): string => {
    const dir = join(temporaryDirectory(), 'model')
    cpSync(original, dir, { recursive: true })
    return dir
  }
  const system = realSystem()

  it('are listed as they were written, to the last digit', async () => {
    expect(await listExamples(original, system)).toEqual([
      { data: '{"x":1.0}', result: '{"double":2.0}' },
      { data: '{"x":2}', result: '{"double":4}' },
    ])
  })

  it('are added with what the model answers, and the model stays whole', async () => {
    const dir = copy()
    const added = await addExample(dir, { data: '{ "x": 12345678901234567890 }', python }, system)
    expect(added).toEqual({
      number: 3,
      receipt: { data: '{"x":12345678901234567890}', result: '{"double":24691357802469135780}' },
      replaced: false,
      count: 3,
    })
    expect((await readModel(dir, '/')).receipts[2]).toEqual(added.receipt)
  })

  it('are added with an answer that is given, without asking the model', async () => {
    const dir = copy()
    const { receipt } = await addExample(
      dir,
      { data: '{"x":3}', result: '{"double": 6.50}', python: '/nowhere/python' },
      system,
    )
    expect(receipt).toEqual({ data: '{"x":3}', result: '{"double":6.50}' })
  })

  it('are recorded once: the same input again replaces its answer', async () => {
    const dir = copy()
    const added = await addExample(dir, { data: '{"x" : 2}', result: '5' }, system)
    expect(added).toMatchObject({ number: 2, replaced: true, count: 2 })
    expect((await listExamples(dir, system))[1]).toEqual({ data: '{"x":2}', result: '5' })
  })

  it('are refused when the model raises, in its words', async () => {
    const dir = copy()
    await expect(addExample(dir, { data: '{"y": 1}', python }, system)).rejects.toMatchObject({
      code: 'MODEL_RAISED',
      message: expect.stringContaining("KeyError in <string>:4, `predict`: 'x'"),
    })
    expect(await listExamples(dir, system)).toHaveLength(2)
  })

  it('are removed by number, one or all, and a number that there is not removes none', async () => {
    const dir = copy()
    await expect(removeExamples(dir, [1, 7], system)).rejects.toMatchObject({
      message: 'There is no example 7.',
      why: 'They are numbered from 1 to 2.',
    })
    expect(await removeExamples(dir, [1], system)).toBe(1)
    expect(await listExamples(dir, system)).toEqual([{ data: '{"x":2}', result: '{"double":4}' }])
    expect(await removeExamples(dir, 'all', system)).toBe(0)
    expect(existsSync(join(dir, 'receipts.jsonl'))).toBe(false)
    expect((await readModel(dir, '/')).receipts).toEqual([])
  })

  it('can be interrupted anywhere: the model has the old ones or the new ones', async () => {
    // The files as they are after each of the steps of rewriting; see receipts-file.ts.
    const dir = copy()
    const facts = join(dir, 'saved.json')
    const before = readFileSync(facts, 'utf8')
    await addExample(dir, { data: '{"x":3}', result: '6' }, system)
    const after = readFileSync(facts, 'utf8')
    const { files, ...others } = JSON.parse(before) as { files: Record<string, string> }
    delete files['receipts.jsonl']
    writeFileSync(facts, JSON.stringify({ ...others, files }))
    expect(await listExamples(dir, system)).toHaveLength(3)
    copyFileSync(join(original, 'receipts.jsonl'), join(dir, 'receipts.jsonl'))
    expect(await listExamples(dir, system)).toHaveLength(2)
    writeFileSync(facts, after)
    await expect(listExamples(dir, system)).rejects.toMatchObject({ code: 'INTEGRITY' })
  })
})
