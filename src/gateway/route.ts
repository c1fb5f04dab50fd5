/** Paths: `/STAGE/MODEL/predict`, matched byte for byte on the raw path. Nothing is decoded, so nothing can be disguised. */

export interface PredictRoute {
  readonly stage: string
  readonly model: string
  /** `/STAGE/MODEL@13/predict` reaches one version, whatever the stage points at. */
  readonly version: number | undefined
  readonly pretty: boolean
}

const predictPath = /^\/([a-zA-Z0-9_]+)\/([a-zA-Z0-9_-]+)(?:@([1-9][0-9]{0,8}))?\/predict$/

/** Undefined when the path is none of ours. */
export function readRoute(target: string): PredictRoute | undefined {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const match = predictPath.exec(path)
  if (!match) return undefined
  return {
    stage: match[1] as string,
    model: match[2] as string,
    version: match[3] === undefined ? undefined : Number(match[3]),
    pretty: mark >= 0 && isPretty(target.slice(mark + 1)),
  }
}

function isPretty(query: string): boolean {
  return query
    .split('&')
    .some(part => part === 'pretty' || (part.startsWith('pretty=') && !/^pretty=(0|false)$/.test(part)))
}
