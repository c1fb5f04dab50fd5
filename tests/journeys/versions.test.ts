/** Releases follow each other on a stage; traffic goes back, is divided, and never reaches what failed its proof. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { project } from '../support/journey.ts'

const training = (word: string): string => `
import thampi

class Says(thampi.Model):
    def predict(self, args, context):
        return '${word}'

thampi.save(Says(), 'says', './models', input_example=None if '${word}' == 'one' else 'anything')
`

describe('versions', () => {
  const shop = project()

  async function serve(word: string): Promise<number | null> {
    shop.write('train.py', training(word))
    await shop.python(['train.py'])
    return (await shop.thampi(['serve'])).status
  }

  async function answer(): Promise<string> {
    return (await shop.thampi(['predict', '--data', '1', '--json'])).out
  }

  it('are listed with what each is and what it gets', async () => {
    expect([await serve('one'), await serve('two')]).toEqual([0, 0])
    const listed = JSON.parse((await shop.thampi(['versions', '--json'])).out) as Record<string, unknown>[]
    expect(listed).toMatchObject([
      { version: 1, weight: 0, state: 'kept', properties: { thampi_data_version: '0.1' } },
      { version: 2, weight: 100, state: 'routed' },
    ])
    expect((await shop.thampi(['versions'])).out).toMatch(
      /^ {3}1 {2}kept {10}20.*\n {3}2 {2}routed 100 % {2}20/,
    )
  })

  it('can be gone back to, and forward again by name', async () => {
    expect(await shop.thampi(['rollback'])).toMatchObject({ status: 0, out: 'Done!\n' })
    expect(await answer()).toContain('"result": "one"')
    expect(await shop.thampi(['rollback', '--to', '2'])).toMatchObject({ status: 0 })
    expect(await answer()).toContain('"result": "two"')
  })

  it('cannot be gone back to when there are none, which is no cheerful Done!', async () => {
    await shop.thampi(['rollback'])
    const { status, out, err } = await shop.thampi(['rollback', '-n', '3'])
    expect({ status, out }).toEqual({ status: 4, out: '' })
    expect(err).toContain('VERSION_UNKNOWN')
    expect(await answer()).toContain('"result": "one"')
  })

  it('share the traffic by weight, which must make sense', async () => {
    expect((await shop.thampi(['route', '1=50', '2=40'])).err).toContain('add up to 90 percent')
    expect((await shop.thampi(['route', '1=50', '9=50'])).status).toBe(4)
    expect((await shop.thampi(['route', 'dev', '1=ten'])).status).toBe(2)
    expect(await shop.thampi(['route', 'dev', '1=30', '2=70'])).toMatchObject({ status: 0 })
    const { versions } = JSON.parse((await shop.thampi(['info', '--json'])).out) as { versions: unknown }
    expect(versions).toEqual([
      { version: 1, weight: 30 },
      { version: 2, weight: 70 },
    ])
  })

  it('that failed their proof get no traffic, now or by a rollback', async () => {
    shop.write('train.py', training('three'))
    await shop.python(['train.py'])
    const receipts = join(shop.dir, 'models/says/receipts.jsonl')
    const saved = join(shop.dir, 'models/says/saved.json')
    writeFileSync(receipts, readFileSync(receipts, 'utf8').replace('three', 'four'))
    const facts = JSON.parse(readFileSync(saved, 'utf8')) as { files: Record<string, string> }
    delete facts.files['receipts.jsonl']
    writeFileSync(saved, JSON.stringify(facts))
    const { status, err } = await shop.thampi(['serve'])
    expect(status).toBe(7)
    expect(err).toContain('result was "four", is "three"')
    expect(await serve('five')).toBe(0)
    await shop.thampi(['rollback'])
    expect(await answer()).toContain('"result": "two"')
  })
})
