import { describe, expect, it } from 'vitest'
import { compare, resultOf } from './answers.ts'
import { parseTolerances } from './tolerances.ts'

const tolerances = (document: object): ReturnType<typeof parseTolerances> =>
  parseTolerances(JSON.stringify(document), 'tolerances.json')

describe('two results', () => {
  it.each([
    ['1.0', '1'],
    ['0.1', '0.10000000001'],
    ['1e-13', '0'],
    ['12345678901234567890', '12345678901234567890'],
    ['{"a":1,"b":[null,true,"x"]}', '{"b":[null,true,"x"],"a":1}'],
  ])('%s and %s are the same', (recorded, got) => {
    expect(compare(recorded, got).differences).toEqual([])
  })

  it.each([
    ['1', '2', 'result', 1],
    ['12345678901234567890', '12345678901234567891', 'result', 0],
    ['1000000000000', '1000000000001', 'result', 1],
    ['{"p":0.5}', '{"p":0.75}', 'result.p', 0.25],
    ['"a"', '"b"', 'result', undefined],
    ['[1,2]', '[1]', 'result[1]', undefined],
    ['{"two words":1}', '{}', 'result["two words"]', undefined],
    ['null', 'false', 'result', undefined],
    ['1', '"1"', 'result', undefined],
  ])('%s and %s differ', (recorded, got, path, delta) => {
    const { differences } = compare(recorded, got)
    expect(differences).toMatchObject([{ path, ...(delta === undefined ? {} : { delta }) }])
    expect(differences[0]?.delta).toBe(delta)
  })

  it('tell the largest distance, tolerated ones included', () => {
    const { differences, maxDeviation } = compare('[1.5,2.5]', '[1.5000000000001,2.5]')
    expect(differences).toEqual([])
    expect(maxDeviation).toBeCloseTo(1e-13, 15)
    expect(compare('[1.5]', '[1.50]').maxDeviation).toBe(0)
  })

  it('may be as far apart as their owner allows, whole numbers excepted', () => {
    const wide = tolerances({ rtol: 0.1, atol: 0.5 })
    expect(compare('[100.5,0.1]', '[109.5,0.4]', wide).differences).toEqual([])
    expect(compare('[100.5,100]', '[115.5,101]', wide).differences).toMatchObject([
      { path: 'result[0]' },
      { path: 'result[1]' },
    ])
    expect(compare('0.1', '0.10000000000000002', tolerances({ rtol: 0, atol: 0 })).differences).toHaveLength(
      1,
    )
  })

  it('are not compared where that is ignored', () => {
    const recorded = '{"id":"a","items":[{"ms":1.5,"n":1},{"ms":2.5,"n":2}],"two words":1}'
    const got = '{"id":"b","items":[{"ms":9,"n":1},{"n":2}],"two words":{"x":3}}'
    const ignore = ['result.id', 'result.items[*].ms', 'result["two words"]']
    expect(compare(recorded, got, tolerances({ ignore })).differences).toEqual([])
    expect(
      compare(recorded, got, tolerances({ ignore: ['result.items[0]', 'result.*'] })).differences,
    ).toEqual([])
    expect(compare(recorded, got, tolerances({ ignore: ['result.items'] })).differences).toHaveLength(2)
  })

  it('come out of an answer digit by digit', () => {
    expect(resultOf('{"properties":{"x":1},"result":{"big":12345678901234567890,"one":1.0}}\n')).toBe(
      '{"big":12345678901234567890,"one":1.0}',
    )
    expect(resultOf('{"properties":{},"result":null}')).toBe('null')
  })
})

describe('tolerances.json', () => {
  it.each([
    ['[]', 'holds no JSON object'],
    ['{', 'is not JSON'],
    ['{"rtoll": 1}', '"rtoll" is none of "rtol", "atol" and "ignore"'],
    ['{"rtol": -1}', '"rtol" is -1 and must be a number, 0 or more'],
    ['{"atol": "1"}', '"atol" is "1" and must be a number'],
    ['{"ignore": "result.id"}', '"ignore" must be a list'],
    ['{"ignore": ["id"]}', '"ignore" has "id", which is no path'],
    ['{"ignore": ["result.a b"]}', 'which is no path'],
    ['{"ignore": ["result[01"]}', 'which is no path'],
  ])('%s is refused', (text, words) => {
    expect(() => parseTolerances(text, 'tolerances.json')).toThrow(words)
  })
})
