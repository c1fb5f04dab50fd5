import { describe, expect, it } from 'vitest'
import type { Target } from '../bundle.ts'
import { markerEnvironment, markerHolds } from './markers.ts'

const target: Target = { os: 'linux', arch: 'arm64', python: '3.13', glibc: '2.34' }

describe('a condition on a requirement', () => {
  it.each([
    ['python_version < "3.12"', false],
    ['python_version >= "3.9" and python_full_version < "3.14.0"', true],
    ['platform_machine == "aarch64"', true],
    ['"linux" in sys_platform or os_name == "nt" and python_version < "3"', true],
    ["(sys_platform == 'win32' or sys_platform == 'darwin') and implementation_name == 'cpython'", false],
    ['extra == "Some_Extra"', true],
  ])('is judged for the target, whatever machine this is: %s', (marker, holds) => {
    expect(markerHolds(marker, markerEnvironment(target, 'some-extra'))).toBe(holds)
  })

  it.each([
    ['python_version', 'It makes no sense at its end.'],
    ['python_version > 3', 'It makes no sense at "3".'],
    ['color == "red"', 'It makes no sense at "== "red"".'],
    ['os_name ~= "posix"', 'It makes no sense at its end.'],
    [`${'('.repeat(100_000)}os_name == "nt"`, expect.stringContaining('((((')],
  ])('that is none is refused with the place: %.30s', (marker, why) => {
    expect(() => markerHolds(marker, markerEnvironment(target))).toThrow(
      expect.objectContaining({ code: 'REQUIREMENTS_INVALID', why }),
    )
  })
})
