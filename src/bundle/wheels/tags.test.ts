import { describe, expect, it } from 'vitest'
import type { Target } from '../bundle.ts'
import { parseWheelName } from './name.ts'
import { acceptedTags, bestWheel, isRisky, placeOf } from './tags.ts'

const target: Target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' }

describe('a machine with Python 3.13 and glibc 2.34', () => {
  const tags = acceptedTags(target)
  const named = (file: string) => parseWheelName(file) ?? expect.fail(file)
  const fits = (file: string): boolean => placeOf(named(file), tags) !== undefined

  it.each([
    'numpy-2.4.6-cp313-cp313-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl',
    'numpy-2.4.6-cp313-cp313-manylinux_2_34_x86_64.whl',
    'cryptography-50.0-cp311-abi3-manylinux_2_34_x86_64.whl',
    'old-1.0-cp313-cp313-manylinux1_x86_64.whl',
    'tool-1.0-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
    'six-1.17.0-py2.py3-none-any.whl',
    'Built_Here-1.0-cp313-cp313-linux_x86_64.whl',
  ])('loads %s', file => expect(fits(file)).toBe(true))

  it.each([
    ['newer glibc', 'a-1.0-cp313-cp313-manylinux_2_35_x86_64.whl'],
    ['other processor', 'a-1.0-cp313-cp313-manylinux_2_28_aarch64.whl'],
    ['other Python', 'a-1.0-cp312-cp312-manylinux_2_28_x86_64.whl'],
    ['newer stable interface', 'a-1.0-cp314-abi3-manylinux_2_28_x86_64.whl'],
    ['without the lock', 'a-1.0-cp313-cp313t-manylinux_2_28_x86_64.whl'],
    ['Python 2', 'a-1.0-py2-none-any.whl'],
    ['musl', 'a-1.0-cp313-cp313-musllinux_1_2_x86_64.whl'],
    ['macOS', 'a-1.0-cp313-cp313-macosx_14_0_arm64.whl'],
    ['Windows', 'a-1.0-cp313-cp313-win_amd64.whl'],
  ])('refuses what is for another one: %s', (_, file) => expect(fits(file)).toBe(false))

  it('takes the newest glibc it can use, compiled before pure, its own before the stable interface', () => {
    const files = [
      'a-1.0-py3-none-any.whl',
      'a-1.0-cp39-abi3-manylinux_2_34_x86_64.whl',
      'a-1.0-cp313-cp313-linux_x86_64.whl',
      'a-1.0-cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
      'a-1.0-cp313-cp313-manylinux_2_28_x86_64.whl',
      'a-1.0-cp313-cp313-manylinux_2_40_x86_64.whl',
      'a-1.0.tar.gz',
    ]
    const order: string[] = []
    for (let left = files; ; left = left.filter(file => !order.includes(file))) {
      const best = bestWheel(left, parseWheelName, tags)
      if (best === undefined) break
      order.push(best)
    }
    expect(order).toEqual([files[4], files[3], files[2], files[1], files[0]])
  })

  it('takes the higher build of two that are the same otherwise', () => {
    const files = ['', '-2', '-10', '-10b'].map(build => `a-1.0${build}-py3-none-any.whl`)
    expect(bestWheel(files, parseWheelName, tags)).toBe('a-1.0-10b-py3-none-any.whl')
    expect(bestWheel(files.slice(0, 2).reverse(), parseWheelName, tags)).toBe('a-1.0-2-py3-none-any.whl')
  })

  it('knows a wheel of which nobody knows the glibc', () => {
    expect(isRisky(named('a-1.0-cp313-cp313-linux_x86_64.whl'), tags)).toBe(true)
    expect(isRisky(named('a-1.0-cp313-cp313-manylinux_2_28_x86_64.linux_x86_64.whl'), tags)).toBe(false)
    expect(isRisky(named('a-1.0-cp313-cp313-linux_aarch64.whl'), tags)).toBe(false)
  })
})
