/** A stage on the platform aws, with the settings of whoever writes the test. */
import type { Stage } from '../../src/settings/stage.ts'
import { stageWith } from './stage.ts'

/** `aws` are keys that only AWS knows; `more` the others. */
export function awsStage(
  name: string,
  aws: Readonly<Record<string, unknown>> = {},
  more: Partial<Stage> = {},
): Stage {
  return stageWith({ name, platform: 'aws', timeoutSeconds: 20, ...more, aws })
}
