/** Versions, ranges, markers and tags against `packaging`, the reference implementation in Python, on thousands of cases. */
import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { python } from '../../../tests/support/python.ts'
import type { Target } from '../bundle.ts'
import { markerEnvironment, markerHolds } from './markers.ts'
import { parseWheelName } from './name.ts'
import { allows, parseRange } from './ranges.ts'
import { acceptedTags } from './tags.ts'
import { compareVersions, parseVersion, type Version } from './version.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20261123)
const target: Target = { os: 'linux', arch: 'x64', python: '3.13', glibc: '2.34' }

/** Runs the generator below and gives its cases. */
function ask<T>(source: string): T {
  const answer = execFileSync(python, ['-c', `${generator}\n${source}`], { encoding: 'utf8', maxBuffer: 1e8 })
  return JSON.parse(answer) as T
}

const generator = `
import json, random
from packaging.version import Version, InvalidVersion
from packaging.specifiers import SpecifierSet, InvalidSpecifier
from packaging.markers import Marker, InvalidMarker, UndefinedComparison
chance = random.Random(${seed})
pick = chance.choice

def version(local=True):
    text = pick(['', '', '', '', 'v', ' ']) + pick([''] * 9 + ['0!', '1!'])
    text += '.'.join(str(pick([0, 0, 1, 2, 3, 10, 20260131123456789])) for _ in range(pick([1, 2, 2, 3, 4])))
    if chance.random() < .3:
        text += pick(['a', 'b', 'rc', 'alpha', '.beta.', '-c', '_pre', 'RC', '.preview-']) + pick(['', '0', '1', '2'])
    if chance.random() < .25:
        text += pick(['.post', '.rev', 'post', '_r', '.post-']) + pick(['', '0', '1', '2']) if pick([0, 1]) else '-' + pick('012')
    if chance.random() < .25:
        text += pick(['.dev', 'dev', '-dev']) + pick(['', '0', '1'])
    if local and chance.random() < .2:
        text += '+' + pick(['cpu', 'CU118', '1', '2.3', 'ubuntu-1', '1.abc', 'abc.1', '10', '01'])
    return text

def range_():
    operator = pick(['==', '!=', '<=', '>=', '<', '>', '~=', '===', '==*', '!=*', '=>', ''])
    return operator.rstrip('*') + pick(['', ' ']) + version(local=pick([True, False])) + ('.*' if '*' in operator else '')
`

describe(`what packaging says (seed ${seed})`, () => {
  it('about which of two versions is newer', () => {
    const cases = ask<[string, string, number][]>(`
print(json.dumps([(a, b, (Version(a) > Version(b)) - (Version(a) < Version(b)))
    for a, b in ((version(), version()) for _ in range(10000))]))`)
    const wrong = cases.filter(([a, b, sign]) => {
      const [one, other] = [parseVersion(a), parseVersion(b)] as [Version, Version]
      return Math.sign(compareVersions(one, other)) !== sign
    })
    expect(wrong).toEqual([])
    expect(cases).toHaveLength(10_000)
  })

  it('about what is a version at all', () => {
    const cases = ask<[string, boolean][]>(`
def damaged():
    text = version()
    at = chance.randrange(len(text) + 1)
    return text[:at] + pick(['', 'x', '.', '-', '+', '!', '1', ' ', 'é', '٣', '_']) + text[at + pick([0, 1]):]
def valid(text):
    try: Version(text)
    except InvalidVersion: return False
    return True
print(json.dumps([(text, valid(text)) for text in (damaged() for _ in range(10000))]))`)
    expect(cases.filter(([text, valid]) => (parseVersion(text) !== undefined) !== valid)).toEqual([])
  })

  it('about which versions are in a range', () => {
    const cases = ask<[string, string, boolean | null][]>(`
def ask(version, text):
    try: return SpecifierSet(text).contains(version, prereleases=True)
    except InvalidSpecifier: return None
pairs = ((version(), ','.join(range_() for _ in range(pick([1, 1, 1, 2])))) for _ in range(20000))
print(json.dumps([(a, b, ask(a, b)) for a, b in pairs]))`)
    const wrong = cases.filter(([version, text, allowed]) => {
      const range = parseRange(text)
      return (range ? allows(range, version) : null) !== allowed
    })
    expect(wrong).toEqual([])
    expect(cases.filter(([, , allowed]) => allowed).length).toBeGreaterThan(2_000)
  })

  it('about conditions on the target', () => {
    const environment = markerEnvironment(target, 'My_Extra')
    const cases = ask<[string, boolean | null][]>(`
environment = json.loads(${JSON.stringify(JSON.stringify(environment))})
values = ['3.9', '3.12', '3.13', '3.13.0', '3.14', '3.*', '3.13.*', '3.8,3.13', 'posix', 'nt', 'linux', 'Linux', 'darwin', 'x86_64',
    'aarch64', 'x86_64 aarch64', 'CPython', 'cpython', 'my-extra', 'MY.extra', 'test', '', '5.10', '3.12 3.13']
names = [*environment, 'os.name', 'sys.platform', 'platform.machine', 'python_implementation']
def item():
    quote = pick('"\\'')
    sides = [pick(names), quote + pick(values) + quote]
    chance.shuffle(sides)
    space = pick(['', ' ', '  '])
    operator = pick(['==', '!=', '<', '>', '<=', '>=', '~=', '===', ' in ', ' not in ', ' not  in '])
    return space + sides[0] + space + operator + space + sides[1] + space
def marker(depth=0):
    if depth < 3 and chance.random() < .4:
        return pick(['({})', '{}']).format(' ' + marker(depth + 1) + pick([' and ', ' or ']) + marker(depth + 1) + ' ')
    return item()
def damaged():
    text = marker()
    if chance.random() < .9: return text
    at = chance.randrange(len(text))
    return text[:at] + pick(['', ')', '(', '"', ' and ', 'x']) + text[at + pick([0, 1, 2]):]
def ask(text):
    try: return Marker(text).evaluate(environment)
    except (InvalidMarker, UndefinedComparison): return None
print(json.dumps([(text, ask(text)) for text in (damaged() for _ in range(20000))]))`)
    const ours = (text: string): boolean | null => {
      try {
        return markerHolds(text, environment)
      } catch {
        return null
      }
    }
    expect(cases.filter(([text, holds]) => ours(text) !== holds)).toEqual([])
    expect(cases.filter(([, holds]) => holds).length).toBeGreaterThan(2_000)
    expect(cases.filter(([, holds]) => holds === null).length).toBeGreaterThan(1_000)
  })

  it.each([
    ['x64', '2.34', 'x86_64'],
    ['x64', '2.26', 'x86_64'],
    ['arm64', '2.34', 'aarch64'],
  ] as const)('about the tags that %s with glibc %s accepts, in their order', (arch, glibc, machine) => {
    const theirs = ask<string[]>(`
from packaging import _manylinux, tags
_manylinux._get_glibc_version = lambda: (2, ${glibc.slice(2)})
_manylinux._have_compatible_abi = lambda *_: True
_manylinux._get_manylinux_module = lambda: None
platforms = [*_manylinux.platform_tags(['${machine}']), 'linux_${machine}']
found = [*tags.cpython_tags((3, 13), abis=['cp313'], platforms=platforms)]
found += tags.compatible_tags((3, 13), 'cp313', platforms)
print(json.dumps(list(dict.fromkeys(map(str, found)))))`)
    expect([...acceptedTags({ ...target, arch, glibc }).keys()]).toEqual(theirs)
  })

  it('about the names of wheels', () => {
    const cases = ask<[string, [string, string, string[], [number, string] | []] | null][]>(`
from packaging.utils import parse_wheel_filename, InvalidWheelFilename
def name():
    parts = [pick(['numpy', 'scikit_learn', 'Zope.Interface', 'a__b', 'a-b', '', 'six', 'é']),
        version().strip().replace('-', '_'), *pick([[], [], [pick(['1', '2b', 'x', '10_1'])]]),
        pick(['cp313', 'py2.py3', 'py3', 'CP312']), pick(['cp313', 'abi3', 'none', 'abi3.cp313']),
        pick(['any', 'manylinux_2_17_x86_64.manylinux2014_x86_64', 'linux_aarch64', 'win_amd64'])]
    return '-'.join(parts) + pick(['.whl'] * 9 + ['.zip', ''])
def ask(text):
    try: name, version, build, tags = parse_wheel_filename(text)
    except InvalidWheelFilename: return None
    return name, str(version), sorted(map(str, tags)), build
print(json.dumps([(text, ask(text)) for text in (name() for _ in range(5000))]))`)
    const wrong = cases.filter(([text, theirs]) => {
      const ours = parseWheelName(text)
      if (!ours || !theirs) return (ours === undefined) !== (theirs === null)
      const [name, version, tags, build] = theirs
      const same =
        compareVersions(parseVersion(ours.version) as Version, parseVersion(version) as Version) === 0
      const told = JSON.stringify([ours.name, [...new Set(ours.tags)].sort(), ours.build ?? []])
      return !same || told !== JSON.stringify([name, tags, build])
    })
    expect(wrong).toEqual([])
    expect(cases.filter(([, theirs]) => theirs).length).toBeGreaterThan(1_000)
  })
})
