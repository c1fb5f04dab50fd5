/** `thampi plan`: what would be packed, whether it fits, what it would make and cost. */
import { bars } from '../../bundle/lambda/bars.ts'
import { megabytes } from '../../bundle/refusals.ts'
import type { LambdaPlan, Limit, LocalPlan, PlanOptions } from '../../plan.ts'
import { folded, pageWidth } from '../columns.ts'
import { packingEngine } from '../engine.ts'
import type { Output } from '../output.ts'
import { plainText } from '../plain-text.ts'
import { errorDocument } from '../report.ts'
import type { Done, Session } from '../session.ts'

interface PlanFlags {
  readonly modelDir?: string
  readonly dependencyFile?: string
  readonly projectDir?: string
  readonly python?: string
  readonly excludeNewer?: string
  readonly includeSecret?: readonly string[]
  readonly try?: true
  readonly requests?: number
  readonly duration?: number
  readonly freeTier?: true
  readonly prices?: string
}

/** More packages than these are small. */
const shownPackages = 12

export async function planCommand(stage: string | undefined, flags: PlanFlags, session: Session): Done {
  const { output } = session
  const { requests, duration, freeTier, includeSecret, ...rest } = flags
  const options: PlanOptions = {
    ...rest,
    includeSecrets: includeSecret ?? [],
    usage: {
      ...(requests === undefined ? {} : { requestsPerMonth: requests }),
      ...(duration === undefined ? {} : { durationMs: duration }),
      ...(freeTier ? { freeTier } : {}),
    },
  }
  const { planFor } = await import('../../plan.ts')
  const plan = await planFor(stage, options, await packingEngine(rest.modelDir, session))
  const isWhole = plan.platform === 'local' || plan.refusal === undefined
  if (output.manner.json) output.document(plan.platform === 'local' ? plan : documentOf(plan))
  else for (const line of plan.platform === 'local' ? localLines(plan) : lambdaLines(plan, output)) say(line)
  // As the error would end `serve`.
  return isWhole ? 0 : (plan.refusal?.exit ?? 1)

  function say(line: string): void {
    output.result(plainText(line))
  }
}

function documentOf({ made, refusal, ...plan }: LambdaPlan): object {
  const configuration = made && {
    memory_mb: made.memoryMb,
    timeout_seconds: made.timeoutSeconds,
    scratch_mb: made.ephemeralMb,
    snap_start: made.snapStart,
    keep_warm: made.keepWarm ?? null,
    model_in: made.model.in,
    layers: made.layers.map(({ name }) => name),
  }
  return {
    ...plan,
    fits: refusal === undefined,
    configuration: configuration ?? null,
    key: made?.key ?? null,
    ...(refusal === undefined ? {} : (errorDocument(refusal) as object)),
  }
}

function localLines(plan: LocalPlan): string[] {
  const { stage, model, format, modelBytes, project, dependencies, notices } = plan
  return [
    `${model} on stage ${stage}, on this machine`,
    `  model         ${format}, ${megabytes(modelBytes)}`,
    `  project       ${project.files === 1 ? '1 file' : `${project.files} files`}, ${megabytes(project.bytes)}`,
    ...folded(dependencies, pageWidth - 16).map(
      (line, at) => `  ${(at === 0 ? 'packages' : '').padEnd(14)}${line}`,
    ),
    ...noticeLines(notices),
  ]
}

function lambdaLines(plan: LambdaPlan, output: Output): string[] {
  const { stage, model, runtime, architecture, glibc, sizes, made, start, refusal } = plan
  const where = made?.model.in === 's3' ? 'S3' : 'the function'
  return [
    output.onOut('bold', `${model} on stage ${stage}, on AWS Lambda`),
    `${runtime}, ${architecture}${glibc === undefined ? '' : `, glibc ${glibc}`}`,
    '',
    ...packageLines(plan, output),
    `Runtime and project: ${megabytes(sizes.code)}. Model: ${megabytes(sizes.model)}${made ? `, in ${where}` : ''}.`,
    '',
    output.onOut('bold', 'What fits'),
    ...plan.limits.map(limit => limitLine(limit, output)),
    ...(start === undefined
      ? []
      : [
          '',
          output.onOut('bold', `First request after an idle time: about ${start.seconds.toFixed(1)} s`),
          ...folded(`${start.because}.`, pageWidth - 2).map(line => `  ${line}`),
        ]),
    ...resourceLines(plan, output),
    ...costLines(plan, output),
    ...noticeLines(plan.notices),
    ...(refusal === undefined
      ? []
      : [
          '',
          output.onOut('red', refusal.message),
          ...(refusal.fix === undefined ? [] : [`Fix: ${refusal.fix}`]),
        ]),
  ]
}

function packageLines({ packages, sizes }: LambdaPlan, output: Output): string[] {
  if (packages.length === 0) return ['No packages.']
  const shown = output.manner.verbose ? packages : packages.slice(0, shownPackages)
  const rest = packages.length - shown.length
  const dropped = packages.reduce((total, one) => total + one.dropped.bytes, 0)
  return [
    output.onOut('bold', `Packages: ${packages.length}, ${megabytes(sizes.dependencies)} unpacked`),
    ...bars(shown.map(({ name, version, bytes }) => ({ name: `${name} ${version}`, bytes }))).map(
      line => `  ${line}`,
    ),
    ...(rest > 0 ? [`  and ${rest} smaller ones (--verbose shows them)`] : []),
    ...(dropped > 0 ? [`Left out of them: ${megabytes(dropped)} of tests, headers and the like.`] : []),
  ]
}

function limitLine({ what, used, allowed, unit, beyond }: Limit, output: Output): string {
  const size = (amount: number): string => {
    if (unit === 'layers') return String(amount)
    if (unit !== 'bytes') return `${amount} ${unit}`
    return amount < 100_000 ? `${(amount / 1000).toFixed(1)} kB` : megabytes(amount)
  }
  const share = Math.round((used / allowed) * 100)
  const fits = used <= allowed
  const word = fits
    ? output.onOut('green', 'ok')
    : beyond === 's3'
      ? 'through S3'
      : output.onOut('red', 'TOO BIG')
  return `  ${what.padEnd(25)}${size(used).padStart(10)} of ${size(allowed).padEnd(10)}${`${share} %`.padStart(6)}  ${word}`
}

function resourceLines({ stage, resources }: LambdaPlan, output: Output): string[] {
  if (resources.length === 0) return []
  return [
    '',
    output.onOut('bold', 'What serve would create, or use where it is there'),
    ...resources.map(({ kind, name }) => `  ${kind.padEnd(10)}  ${shortened(name)}`),
    `  thampi serve ${stage} --dry-run   # asks AWS what is there`,
  ]
}

/** Names made of a digest are recognised by their beginning; `--json` has them whole. */
function shortened(name: string): string {
  return name.replace(/(\/[0-9a-f]{12})[0-9a-f]{52}$/, '$1…')
}

function costLines({ cost }: LambdaPlan, output: Output): string[] {
  if (cost === undefined) return []
  const { usage, lines, total, region, asOf } = cost
  const requests = `${usage.requestsPerMonth.toLocaleString('en-US')} requests of ${usage.durationMs} ms a month`
  const free = usage.freeTier ? 'with the free tier of Lambda' : 'without free tiers'
  return [
    '',
    output.onOut('bold', `About $${total.toFixed(2)} a month: ${requests}`),
    ...lines.map(
      ({ what, amount, counted }) => `  ${what.padEnd(22)}$${amount.toFixed(2).padStart(9)}  ${counted}`,
    ),
    ...folded(
      `Prices of ${region} as of ${asOf}, ${free}. Other numbers: --requests, --duration, --prices.`,
      pageWidth - 2,
    ).map(line => `  ${line}`),
  ]
}

function noticeLines(notices: readonly string[]): string[] {
  if (notices.length === 0) return []
  return [
    '',
    ...notices.flatMap(notice =>
      folded(notice, pageWidth - 2).map((line, at) => (at === 0 ? `- ${line}` : `  ${line}`)),
    ),
  ]
}
