/**
 * Versions of Python packages: their order, and which of them a range allows (PEP 440). Written here because the small
 * package for it on npm says no where `packaging`, the reference in Python, says yes: `1` is in `==1.0.*` and `~=1.0.0`.
 */

export interface Version {
  readonly epoch: bigint
  /** Without zeros at its end: `1` and `1.0` are the same version. */
  readonly release: readonly bigint[]
  readonly pre: readonly ['a' | 'b' | 'rc', bigint] | undefined
  readonly post: bigint | undefined
  readonly dev: bigint | undefined
  /** Behind the `+`: `cu118` and the like. */
  readonly local: readonly (bigint | string)[]
}

/** Numbers in it are whole days and commits in practice, and longer than what a double can hold. */
const VERSION =
  /^\s*v?(?:(?<epoch>\d+)!)?(?<release>\d+(?:\.\d+)*)(?:[-_.]?(?<pre>alpha|beta|preview|pre|a|b|c|rc)[-_.]?(?<preNumber>\d*))?(?:-(?<dashed>\d+)|[-_.]?(?<post>post|rev|r)[-_.]?(?<postNumber>\d*))?(?:[-_.]?(?<dev>dev)[-_.]?(?<devNumber>\d*))?(?:\+(?<local>[a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$/i

/** Undefined when it is none, like `2004d` of old. */
export function parseVersion(text: string): Version | undefined {
  const groups = VERSION.exec(text)?.groups
  if (!groups) return undefined
  const number = (name: string): bigint => BigInt(groups[name] || 0)
  const post = groups.dashed ?? (groups.post && groups.postNumber)
  return {
    epoch: number('epoch'),
    release: withoutZerosAtEnd((groups.release as string).split('.').map(BigInt)),
    pre: groups.pre === undefined ? undefined : [phaseOf(groups.pre), number('preNumber')],
    post: post === undefined ? undefined : BigInt(post),
    dev: groups.dev === undefined ? undefined : number('devNumber'),
    local: (groups.local?.toLowerCase().split(/[-_.]/) ?? []).map(part =>
      /^\d+$/.test(part) ? BigInt(part) : part,
    ),
  }
}

function phaseOf(word: string): 'a' | 'b' | 'rc' {
  const first = word[0]?.toLowerCase()
  return first === 'a' || first === 'b' ? first : 'rc'
}

function withoutZerosAtEnd(release: readonly bigint[]): readonly bigint[] {
  return release.slice(0, release.findLastIndex(part => part !== 0n) + 1)
}

/** Alpha, beta, candidate or development: nobody gets one without asking for it. */
export function isPrerelease({ pre, dev }: Version): boolean {
  return pre !== undefined || dev !== undefined
}

/**
 * Below zero when `a` is the older one.
 *
 * @example
 * versions.sort(compareVersions) // 1.0.dev0, 1.0a1, 1.0rc1, 1.0, 1.0+local, 1.0.post1, 1.1
 */
export function compareVersions(a: Version, b: Version): number {
  return (
    order(a.epoch, b.epoch) ||
    orderOfLists(a.release, b.release) ||
    orderOfLists(phase(a), phase(b)) ||
    order(a.post ?? -1n, b.post ?? -1n) ||
    order(a.dev ?? Number.POSITIVE_INFINITY, b.dev ?? Number.POSITIVE_INFINITY) ||
    orderOfLists(a.local, b.local)
  )
}

/** `1.0.dev1` comes before `1.0a1`, which comes before `1.0` and `1.0.post1`. */
function phase({ pre, post, dev }: Version): readonly (bigint | string)[] {
  if (pre !== undefined) return pre
  return post === undefined && dev !== undefined ? ['', 0n] : ['z', 0n]
}

function orderOfLists(a: readonly (bigint | string)[], b: readonly (bigint | string)[]): number {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [one, other] = [a[at] as bigint | string, b[at] as bigint | string]
    // In a local version words come before numbers.
    const difference = typeof one === typeof other ? order(one, other) : typeof one === 'string' ? -1 : 1
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

function order(a: bigint | number | string, b: bigint | number | string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
