/**
 * Thampi as a library: the verbs and their types.
 *
 * @example
 * import { openEngine, serve } from 'thampi'
 * const engine = await openEngine()
 * const { deployment } = await serve('staging', { modelDir: './models/iris' }, engine)
 */
export { type CleanPlan, type CleanScope, clean, planClean } from './clean.ts'
export { type ClientLanguage, client } from './client.ts'
export { type Created, create, type TemplateName } from './create.ts'
export { demo } from './demo.ts'
export { type AnswerChange, type Change, type Diff, diff } from './diff.ts'
export { type Check, doctor } from './doctor.ts'
export { type Engine, type EngineOptions, openEngine } from './engine.ts'
export { type ErrorCode, errorCodes, ThampiError } from './errors.ts'
export { type Added, type AddOptions, addExample, listExamples, removeExamples } from './examples.ts'
export { type HostVerbOptions, host } from './host.ts'
export { permissions } from './iam.ts'
export { info } from './info.ts'
export { type InitAnswers, init } from './init.ts'
export { type CreatedKey, createKey, listKeys, revokeKey } from './keys.ts'
export { examine, type LiveReport } from './live.ts'
export { type Locked, type LockOptions, lockStage } from './lock.ts'
export { logs } from './logs.ts'
export { open } from './open.ts'
export { openapi } from './openapi.ts'
export { type Packaged, type PackageOptions, packageStage } from './package.ts'
export { type LambdaPlan, type LocalPlan, type Plan, type PlanOptions, planFor } from './plan.ts'
export type {
  ApiKey,
  Change as PlannedChange,
  Deployment,
  LogLine,
  LogOptions,
  Platform,
  Removal,
  RemoveOptions,
  StageStatus,
  Version,
  Weights,
} from './platforms/platform.ts'
export { type Prediction, predict, recordedInput } from './predict.ts'
export { type Rehearsed, rehearse } from './rehearse.ts'
export { debug, type Replayed, replay } from './replay.ts'
export { type RollbackOptions, rollback, route } from './route.ts'
export { type Saveable, type Saved, type SaveOptions, save } from './save.ts'
export { type Served, type ServeOptions, serve } from './serve.ts'
export type { Settings } from './settings/settings.ts'
export type { Stage } from './settings/stage.ts'
export { status } from './status.ts'
export { realSystem, type System } from './system/system.ts'
export { undeploy } from './undeploy.ts'
export { listVersions, type Versions } from './versions.ts'
export { type WrapOptions, type Wrapped, wrap } from './wrap.ts'
