/**
 * Paths in front of a function: which of them lead to the model, and by which door. Only the end of a path counts; what
 * stands before it is the matter of whoever is in front. Nothing is decoded, so nothing can be disguised.
 */

export interface Route {
  readonly method: 'GET' | 'POST'
  /** As in `doors/door.ts`; undefined for `{"data": …}`, and for GET. */
  readonly door: string | undefined
  /** Refusals are `{"error": …}`, as the protocol of the path has it. */
  readonly plain: boolean
  /** What is asked for is what callers may know, and not the model. */
  readonly describes: boolean
  /** As far as the path says them. */
  readonly model: string | undefined
  readonly version: string | undefined
}

const name = '[a-zA-Z0-9_-]+'
const model = `(?<model>${name})`
const version = `(?:/versions/(?<version>${name}))?`

const routes = (
  [
    ['POST', undefined, `${model}(?:@(?<version>[1-9][0-9]{0,8}))?/predict`],
    ['GET', undefined, `${model}(?:@(?<version>[1-9][0-9]{0,8}))?/openapi\\.json`],
    ['POST', 'mlflow', 'invocations'],
    ['POST', 'v2', `v2/models/${model}${version}/infer`],
    ['POST', 'v1', `v1/models/${model}:predict`],
    ['GET', undefined, 'v2/health/(?:live|ready)'],
    ['GET', undefined, '(?:ping|health)'],
    ['GET', undefined, `v2/models/${model}${version}/ready`],
    ['GET', undefined, `v1/models/${model}`],
  ] as const
).map(([method, door, path]) => ({
  ...{
    method,
    door,
    plain: /^v[12]/.test(path),
    describes: path.endsWith('json'),
    pattern: new RegExp(`/${path}$`),
  },
}))

/** The route of a path; undefined when it is none of ours. */
export function routeOf(path: string): Route | undefined {
  for (const { pattern, ...route } of routes) {
    const found = pattern.exec(path)
    if (found) return { ...route, model: found.groups?.model, version: found.groups?.version }
  }
  return undefined
}
