/** Saved models and stages for tests of packing: ordinary values, of which a test changes what it is about. */
import { noFacts } from '../../src/model/facts.ts'
import type { FormatName, Properties, SavedModel } from '../../src/model/saved-model.ts'
import { stageWithoutFile } from '../../src/settings/resolve.ts'
import type { Stage } from '../../src/settings/stage.ts'

/** The stage `staging` as it is when the settings say nothing. */
export function stageOf(changes: Partial<Stage> = {}): Stage {
  return { ...stageWithoutFile('staging', { env: {}, platform: 'aws', modelName: 'iris' }), ...changes }
}

export const properties: Properties = {
  thampi_data_version: '0.1',
  trained_time_utc: '2018-09-06T22:03:04.886644',
  instance_id: '9dbc56dd-936d-4dff-953c-8c22267ebe84',
}

/** A model that exists as a value only. */
export function savedModel({
  python,
  format = 'python',
}: {
  python?: string
  format?: FormatName
} = {}): SavedModel {
  return {
    dir: 'models/iris-sklearn',
    name: 'iris-sklearn',
    format,
    properties,
    made: { ...noFacts.made, python },
    receipts: [],
    files: {},
  }
}
