/** A stage on the platform aws, with the settings of whoever writes the test. */
import type { Stage } from '../../src/settings/stage.ts'

/** `aws` are keys that only AWS knows; `more` the others. */
export function awsStage(
  name: string,
  aws: Readonly<Record<string, unknown>> = {},
  more: Partial<Stage> = {},
): Stage {
  return {
    name,
    model: 'mymodel',
    platform: 'aws',
    meantFor: 'aws',
    installer: 'pip',
    memoryMb: 512,
    timeoutSeconds: 20,
    keepWarm: true,
    maxSandboxes: undefined,
    maxBatch: 64,
    maxWaitMs: 0,
    maxConcurrency: 1,
    maxQueue: undefined,
    idempotent: true,
    memoryWall: false,
    fork: true,
    environment: {},
    remoteEnvironment: undefined,
    exclude: [],
    errors: 'full',
    logLevel: 'INFO',
    retainedVersions: undefined,
    python: undefined,
    node: undefined,
    apiKeyRequired: false,
    cors: false,
    record: 'off',
    recordHide: [],
    ...more,
    aws,
  }
}
