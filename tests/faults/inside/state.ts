/** The code that keeps the state of a stage, as the suite bundles it together with a disk that can lose its power. */
export { writeRecord } from '../../../src/platforms/local/records.ts'
export { ServedStage } from '../../../src/platforms/local/served-stage.ts'
export * as disk from './disk.ts'
