/** Places in JSON as people write them: `result.items[*]["two words"]`. */

const step = /\.([A-Za-z_][A-Za-z0-9_]*|\*)|\[(\d+|\*|"(?:[^"\\]|\\.)*")\]/y

/** The steps of a path after `root`, which it begins with; `*` is any step. Undefined for what is no path. */
export function stepsOf(path: string, root: string): string[] | undefined {
  if (!path.startsWith(root)) return undefined
  const steps: string[] = []
  step.lastIndex = root.length
  while (step.lastIndex < path.length) {
    const found = step.exec(path)
    if (!found) return undefined
    const [, name, inBrackets = ''] = found
    steps.push(name ?? (inBrackets.startsWith('"') ? (JSON.parse(inBrackets) as string) : inBrackets))
  }
  return steps
}
