/** How a function shall be configured, and whether it is. */
import type {
  CreateFunctionCommandInput,
  FunctionConfiguration,
  UpdateFunctionConfigurationCommandInput,
} from '@aws-sdk/client-lambda'
import type { LambdaPackage } from '../../../bundle/lambda/package.ts'
import { digestOf } from '../../../system/files.ts'
import type { AwsSettings } from '../settings/aws-settings.ts'

/** What both creating and updating take. */
export type Configuration = Omit<UpdateFunctionConfigurationCommandInput, 'FunctionName' | 'RevisionId'> &
  Pick<CreateFunctionCommandInput, 'Role' | 'Runtime' | 'Handler'>

export interface ConfigurationParts {
  readonly lambdaPackage: LambdaPackage
  readonly role: string
  readonly layers: readonly string[]
  readonly settings: AwsSettings
  /** For people who look at the function in the console. */
  readonly title: string
}

/** Its description names its digest: fields that Lambda does not show are compared by it. */
export function configurationOf({
  lambdaPackage,
  role,
  layers,
  settings,
  title,
}: ConfigurationParts): Configuration {
  const { runtime, handler, memoryMb, timeoutSeconds, ephemeralMb, snapStart, environment } = lambdaPackage
  const { vpc, kmsKeyArn, deadLetterArn, tracing } = settings
  const configuration: Configuration = {
    Role: role,
    Runtime: runtime,
    Handler: handler,
    MemorySize: memoryMb,
    Timeout: timeoutSeconds,
    Environment: { Variables: { ...environment } },
    Layers: [...layers],
    EphemeralStorage: { Size: ephemeralMb },
    SnapStart: { ApplyOn: snapStart ? 'PublishedVersions' : 'None' },
    TracingConfig: { Mode: tracing ? 'Active' : 'PassThrough' },
    // The runtime writes JSON lines and leaves out what `log_level` leaves out; nothing more is to be lost.
    LoggingConfig: { LogFormat: 'JSON', ApplicationLogLevel: 'TRACE', SystemLogLevel: 'INFO' },
    // An empty value takes away what an earlier release had.
    VpcConfig: { SubnetIds: [...(vpc?.subnets ?? [])], SecurityGroupIds: [...(vpc?.groups ?? [])] },
    KMSKeyArn: kmsKeyArn ?? '',
    DeadLetterConfig: { TargetArn: deadLetterArn ?? '' },
  }
  const digest = digestOf(JSON.stringify(configuration)).slice('sha256:'.length, 23)
  return { ...configuration, Description: `${title}. Configuration ${digest}` }
}

/** Compares what Lambda always shows field by field, so that a change by hand is seen; the rest by the digest. */
export function isConfigured(found: FunctionConfiguration, wanted: Configuration): boolean {
  const shown = (value: FunctionConfiguration): unknown => [
    value.Description,
    value.Role,
    value.Runtime,
    value.Handler,
    value.MemorySize,
    value.Timeout,
    Object.entries(value.Environment?.Variables ?? {}).sort(),
    value.Layers?.map(({ Arn }) => Arn) ?? [],
  ]
  const asShown = { ...wanted, Layers: (wanted.Layers ?? []).map(Arn => ({ Arn })) } as FunctionConfiguration
  return JSON.stringify(shown(found)) === JSON.stringify(shown(asShown))
}
