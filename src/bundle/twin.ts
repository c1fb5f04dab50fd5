/** Requirements for this machine that lead to the versions of a lock for another one. */
import type { Lock, LockedWheel } from './lock/lock.ts'
import type { Requirements, RequirementsCopy } from './requirements.ts'

/**
 * The same requirements with every version of the lock as a constraint: it binds what is installed, and asks for nothing.
 * So packages that this machine has no use for are left out, and those that only it needs come in.
 */
export function twinOf(requirements: Requirements, { wheels }: Pick<Lock, 'wheels'>): Requirements {
  const [first, ...others] = requirements.files
  // With hashes the file names every version itself, and an installer wants hashes of a constraint as well.
  if (!first || requirements.hashed) return requirements
  const constraints: RequirementsCopy = {
    name: freeName(requirements.files),
    shown: 'the lock for Lambda',
    constraint: true,
    text: wheels.filter(isOfAnIndex).map(lineOf).join(''),
  }
  const asking = { ...first, text: `${first.text.trimEnd()}\n-c ${constraints.name}\n` }
  return { ...requirements, files: [asking, ...others, constraints] }
}

/** What was built from a directory has no version that anybody offers. */
function isOfAnIndex({ url }: LockedWheel): boolean {
  return !url.startsWith('file:')
}

/** `2.9.1+cpu` is how one index calls its build of 2.9.1; another machine may have it under the plain number only. */
function lineOf({ name, version }: LockedWheel): string {
  return `${name}==${version.split('+')[0]}\n`
}

function freeName(files: readonly RequirementsCopy[]): string {
  const names = new Set(files.map(({ name }) => name))
  let name = 'lambda.txt'
  for (let number = 2; names.has(name); number++) name = `lambda-${number}.txt`
  return name
}
