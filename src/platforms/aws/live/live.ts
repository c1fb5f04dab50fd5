/** The platform under observation, on a stage that is made to be looked at and removed again. */
import { join } from 'node:path'
import { writeZip } from '../../../bundle/zip/write.ts'
import type { Stage } from '../../../settings/stage.ts'
import type { Platform } from '../../platform.ts'
import type { Corner } from '../account.ts'
import { ensureBucket } from '../bucket/ensure-bucket.ts'
import { blobKey } from '../bucket/store.ts'
import { ensureLayer, removeLayer } from '../function/ensure-layer.ts'
import { assumptions, type Found, type Scene } from './assumptions.ts'
import type { Observer } from './observer.ts'
import { residueOf } from './residue.ts'

/** How long one thing took. */
export interface Timing {
  readonly step: string
  readonly ms: number
}

/** An assumption and what it was held against. */
export interface Finding extends Found {
  readonly id: string
  readonly assumed: string
}

/** What a run sees of its own: the rest is read off the record of calls. */
export type Seen = Pick<Scene, 'url' | 'versions' | 'divided' | 'again' | 'accessLines'>

/** The name of the layer that is published to see how that goes. */
const layerName = 'thampi-live-check'

/** A stage of the platform with a record of every call that is made for it. */
export class Live {
  readonly platform: Platform
  readonly corner: Corner
  readonly observer: Observer
  readonly #stage: Stage
  readonly #isElsewhere: boolean
  #layer: Scene['layer'] | undefined

  constructor(opened: Opened, stage: Stage, observer: Observer) {
    this.platform = opened.platform
    this.corner = opened.corner
    this.#isElsewhere = opened.isElsewhere
    this.observer = observer
    this.#stage = stage
  }

  /** A layer of a few bytes, which are new each time, so that it has to be published. */
  async publishLayer(dir: string): Promise<void> {
    const { system } = this.corner
    await ensureBucket(this.corner, this.#stage.name)
    const source = Buffer.from(`# made by thampi doctor --live at ${system.now().toISOString()}\n`)
    const entry = { path: 'nodejs/thampi-live-check.txt', executable: false, source }
    const archive = await writeZip(join(dir, 'layer.zip'), [entry])
    this.#layer = { digest: archive.digest, key: blobKey(archive.digest) }
    await ensureLayer(
      this.corner,
      { name: layerName, archive },
      { runtime: 'nodejs24.x', architecture: 'x86_64' },
    )
  }

  /** Holds the list against what is there; one that cannot be looked at says why, and the others go on. */
  async holdAgainst(seen: Seen): Promise<Finding[]> {
    const { corner, observer } = this
    const layer = this.#layer ?? { digest: 'sha256:', key: '' }
    const scene: Scene = { corner, observer, layer, isElsewhere: this.#isElsewhere, ...seen }
    const findings: Finding[] = []
    for (const { id, assumed, look } of assumptions) {
      const found = await Promise.resolve()
        .then(() => look(scene))
        .catch((error: Error): Found => ({ asAssumed: false, seen: error.message }))
      findings.push({ id, assumed, ...found })
    }
    return findings
  }

  /** Takes away what this run made, and what an earlier one left that was killed. Gives what is left all the same. */
  async cleanUp(): Promise<string[]> {
    await this.platform.remove(this.#stage, { removeLogs: true })
    await removeLayer(this.corner, layerName)
    const objects = this.#layer === undefined ? [] : [this.#layer.key]
    for (const key of objects) await this.corner.store.remove(key)
    return residueOf(this.corner, { layers: [layerName], objects, schedule: this.#stage.keepWarm })
  }

  /** Whether the bucket was made by this run; it stays, as every bucket does. */
  get hasMadeBucket(): boolean {
    return this.observer.done('s3:CreateBucket').length > 0
  }

  /** How long AWS took for the parts of a first serve. What did not happen has no line. */
  timings(): Timing[] {
    const { observer } = this
    const first = (action: string): number | undefined =>
      observer.calls.find(call => call.action === action)?.fromMs
    const end = (action: string, isRight: (output: Record<string, unknown>) => boolean = () => true) =>
      observer.done(action).find(({ output }) => isRight(output ?? {}))?.toMs
    const isActive = ({ State, LastUpdateStatus }: Record<string, unknown>): boolean =>
      State === 'Active' && LastUpdateStatus !== 'InProgress'
    const isVersion = ({ Version }: Record<string, unknown>): boolean => Version !== '$LATEST'
    const [cold, warm] = observer.done('lambda:Invoke')
    const created = end('lambda:CreateFunction')
    const published = observer.done('lambda:PublishVersion')[0]
    const spans: readonly [string, number | undefined, number | undefined][] = [
      ['bucket made', first('s3:CreateBucket'), end('s3:PutBucketLifecycleConfiguration')],
      ['role made', first('iam:CreateRole'), end('iam:PutRolePolicy')],
      ['role known to Lambda, function made', first('lambda:CreateFunction'), created],
      [
        'function Active',
        created,
        end('lambda:GetFunctionConfiguration', it => isActive(it) && !isVersion(it)),
      ],
      ['layer published', first('lambda:PublishLayerVersion'), end('lambda:PublishLayerVersion')],
      [
        'version published and Active',
        published?.fromMs,
        published && isActive(published.output ?? {})
          ? published.toMs
          : end('lambda:GetFunctionConfiguration', it => isVersion(it) && isActive(it)),
      ],
      ['first invocation (cold)', cold?.fromMs, cold?.toMs],
      ['next invocation (warm)', warm?.fromMs, warm?.toMs],
      ['HTTP API made', first('apigateway:CreateApi'), end('lambda:AddPermission')],
    ]
    return spans.flatMap(([step, from, to]) =>
      from === undefined || to === undefined ? [] : [{ step, ms: to - from }],
    )
  }
}

/** What observation needs besides a platform. */
export interface Opened {
  readonly platform: Platform
  readonly corner: Corner
  readonly isElsewhere: boolean
}
