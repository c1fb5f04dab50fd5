import { describe, expect, it } from 'vitest'
import { ThampiError } from '../errors.ts'
import type { Environment } from '../system/places.ts'
import { type Manner, Output } from './output.ts'
import { report } from './report.ts'

const plain: Manner = { json: false, quiet: false, verbose: false, color: 'auto' }

function listening(
  manner: Partial<Manner> = {},
  { env = {}, isTTY = false }: { env?: Environment; isTTY?: boolean } = {},
) {
  const said = { out: '', err: '' }
  const sink = (name: 'out' | 'err') => ({
    isTTY,
    write: (text: string) => {
      said[name] += text
    },
  })
  return { said, output: new Output({ ...plain, ...manner }, env, sink('out'), sink('err')) }
}

describe('what goes where', () => {
  it('results go to stdout, everything else to stderr', () => {
    const { said, output } = listening()
    output.step('installing')
    output.warn('old key')
    output.hint('next')
    output.result('https://example.com')
    expect(said.out).toBe('https://example.com\n')
    expect(said.err).toBe('installing\nWarning: old key\nnext\n')
  })

  it('quiet leaves the result only, but never hides an error', () => {
    const { said, output } = listening({ quiet: true })
    output.step('installing')
    output.warn('old key')
    output.hint('next')
    output.result('42')
    report(new ThampiError('NETWORK', { message: 'No way.' }), output)
    expect(said.out).toBe('42\n')
    expect(said.err).toContain('No way.')
    expect(said.err).not.toMatch(/installing|old key|next/)
  })

  it('with --json progress is one event per line', () => {
    const { said, output } = listening({ json: true })
    output.step('installing')
    output.warn('old key')
    output.hint('next')
    expect(
      said.err
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([
      { event: 'step', text: 'installing' },
      { event: 'warning', text: 'old key' },
    ])
  })
})

describe('colour', () => {
  it.each<[string, Partial<Manner>, { env?: Environment; isTTY?: boolean }, boolean]>([
    ['is on for a terminal', {}, { isTTY: true }, true],
    ['is off for a pipe', {}, {}, false],
    ['is off with NO_COLOR', {}, { isTTY: true, env: { NO_COLOR: '1' } }, false],
    ['ignores an empty NO_COLOR', {}, { isTTY: true, env: { NO_COLOR: '' } }, true],
    ['is off on a dumb terminal', {}, { isTTY: true, env: { TERM: 'dumb' } }, false],
    ['is on for a pipe with FORCE_COLOR', {}, { env: { FORCE_COLOR: '1' } }, true],
    ['obeys the flag before the variable', { color: 'always' }, { env: { NO_COLOR: '1' } }, true],
    [
      'obeys the flag before the terminal',
      { color: 'never' },
      { isTTY: true, env: { FORCE_COLOR: '1' } },
      false,
    ],
  ])('%s', (_, manner, around, wanted) => {
    const { output } = listening(manner, around)
    expect(output.onErr('red', 'x') !== 'x').toBe(wanted)
    expect(output.onOut('red', 'x') !== 'x').toBe(wanted)
  })
})

describe('an error', () => {
  const mismatch = new ThampiError('PYTHON_MISMATCH', {
    message: 'iris was saved with Python 3.11.7.',
    why: 'It would be served with 3.12.1.',
    fix: 'thampi serve --python 3.11',
    problem: { status: 500 },
  })

  it('is what, why, the command that mends it, and the code with its page', () => {
    const { said, output } = listening()
    expect(report(mismatch, output)).toBe(8)
    expect(said.err.split('\n')).toEqual([
      'iris was saved with Python 3.11.7.',
      'It would be served with 3.12.1.',
      'Fix: thampi serve --python 3.11',
      'PYTHON_MISMATCH · docs/reference/errors.md#python_mismatch',
      '',
    ])
  })

  it('is one document on stdout for programs', () => {
    const { said, output } = listening({ json: true })
    report(mismatch, output)
    expect(JSON.parse(said.out)).toEqual({
      error: {
        code: 'PYTHON_MISMATCH',
        message: 'iris was saved with Python 3.11.7. It would be served with 3.12.1.',
        hint: 'thampi serve --python 3.11',
        docs: 'docs/reference/errors.md#python_mismatch',
      },
      problem: { status: 500 },
    })
    expect(said.err).toBe('')
  })

  it('that nobody foresaw is a sentence, and a stack only with --verbose', () => {
    const quiet = listening()
    expect(report(new TypeError('x is not a function'), quiet.output)).toBe(1)
    expect(quiet.said.err).toContain('x is not a function')
    expect(quiet.said.err).toContain('INTERNAL')
    expect(quiet.said.err).not.toContain('    at ')
    const verbose = listening({ verbose: true })
    report(new TypeError('x is not a function', { cause: new Error('the root') }), verbose.output)
    expect(verbose.said.err).toContain('    at ')
    expect(verbose.said.err).toContain('Caused by: Error: the root')
  })

  it('of the operating system names the file and a way out', () => {
    const { said, output } = listening()
    const refused = Object.assign(new Error('EACCES: denied'), { code: 'EACCES', path: '/var/thampi/x' })
    expect(report(refused, output)).toBe(3)
    expect(said.err).toContain('/var/thampi/x')
  })

  it('cannot steer the terminal with the text it quotes', () => {
    const { said, output } = listening()
    report(new ThampiError('MODEL_RAISED', { message: 'bad \x1b[2J\x1b]0;owned\x07name' }), output)
    expect(said.err).toContain('bad name')
    expect(said.err).not.toContain('\x1b')
  })
})
