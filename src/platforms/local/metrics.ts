/** What `GET /metrics` says about the versions of a host. */
import type { Family, Histogram, Labels, Sample } from '../../gateway/metrics.ts'
import { type Meter, outcomes } from './meter.ts'

/** One version, and what it counted. */
export interface Metered {
  readonly stage: string
  readonly model: string
  readonly version: number
  readonly instanceId: string
  readonly inFlight: number
  readonly queued: number
  readonly meter: Meter
}

/**
 * Labels are names that the owner of the stage chose. `stage` is one of them, because a host serves several, and version 1 of
 * a model may be another bundle on each.
 */
export function versionFamilies(versions: readonly Metered[]): Family[] {
  const labels = ({ stage, model, version, meter }: Metered): Labels => ({
    stage,
    model,
    version: String(version),
    runtime: meter.runtime,
  })
  const family = (
    name: string,
    type: Family['type'],
    help: string,
    value: (of: Metered) => number | Histogram,
  ): Family => ({
    ...{ name, type, help },
    samples: versions.map(of => ({ labels: labels(of), value: value(of) })),
  })
  const outcomesOf = (of: Metered): Sample[] =>
    outcomes.map((outcome, i) => ({ labels: { ...labels(of), outcome }, value: of.meter.outcomes[i] ?? 0 }))
  return [
    family(
      'thampi_predict_duration_seconds',
      'histogram',
      'Duration of predictions as callers see it, waiting included.',
      of => of.meter.predictions,
    ),
    {
      name: 'thampi_predict_requests_total',
      type: 'counter',
      help: 'Predictions that were asked for, by what they came to.',
      samples: versions.flatMap(outcomesOf),
    },
    family('thampi_predict_in_flight', 'gauge', 'Requests that are with a process now.', of => of.inFlight),
    family('thampi_queue_length', 'gauge', 'Requests that wait for a process now.', of => of.queued),
    family(
      'thampi_batch_size',
      'histogram',
      'Requests handed to predict_batch together.',
      of => of.meter.batches,
    ),
    family(
      'thampi_model_load_seconds',
      'histogram',
      'Time to load the model into a process.',
      of => of.meter.loads,
    ),
    family(
      'thampi_worker_restarts_total',
      'counter',
      'Processes that ended unasked.',
      of => of.meter.restarts,
    ),
    family(
      'thampi_cold_starts_total',
      'counter',
      'Starts that a request had to wait for.',
      of => of.meter.coldStarts,
    ),
    {
      name: 'thampi_model_info',
      type: 'gauge',
      help: 'Always 1; says which training a version is.',
      samples: versions.map(of => ({ labels: { instance_id: of.instanceId, ...labels(of) }, value: 1 })),
    },
  ]
}
