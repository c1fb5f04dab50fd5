/** A stage as it is where the settings say nothing, with what a test wants of it. */
import type { Stage } from '../../src/settings/stage.ts'

export function stageWith(wanted: Pick<Stage, 'name' | 'platform'> & Partial<Stage>): Stage {
  return {
    model: 'mymodel',
    meantFor: wanted.platform,
    installer: 'pip',
    memoryMb: 512,
    timeoutSeconds: 30,
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
    apiKeyRequired: false,
    cors: false,
    record: 'off',
    recordHide: [],
    aws: {},
    ...wanted,
  }
}
