/** What Lambda refuses, in its own words: clients tell cases apart by the text. */
import type { CreateFunctionRequest } from '@aws-sdk/client-lambda'
import { invalid, malformed } from '../errors.ts'
import { type Code, unzippedLimit } from './code.ts'
import type { LayerVersion } from './function.ts'

/** What can be created today. Older ones can neither be created nor updated. */
const runtimes = [
  ...['nodejs20.x', 'nodejs22.x', 'nodejs24.x'],
  ...['python3.10', 'python3.11', 'python3.12', 'python3.13', 'python3.14'],
  ...['java17', 'java21', 'java25', 'dotnet8', 'dotnet10', 'ruby3.3', 'ruby3.4', 'provided.al2023'],
]
const retired =
  /^(nodejs(4\.3|6\.10|8\.10|1[02468]\.x)?|python(2\.7|3\.[6789])|go1\.x|dotnet.*|ruby2.*|java8)$/

/** @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime */
const reservedVariables = [
  ...['_HANDLER', '_X_AMZN_TRACE_ID', 'AWS_DEFAULT_REGION', 'AWS_REGION', 'AWS_EXECUTION_ENV'],
  ...['AWS_LAMBDA_FUNCTION_NAME', 'AWS_LAMBDA_FUNCTION_MEMORY_SIZE', 'AWS_LAMBDA_FUNCTION_VERSION'],
  ...['AWS_LAMBDA_INITIALIZATION_TYPE', 'AWS_LAMBDA_LOG_GROUP_NAME', 'AWS_LAMBDA_LOG_STREAM_NAME'],
  ...['AWS_ACCESS_KEY', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'],
  ...['AWS_LAMBDA_RUNTIME_API', 'LAMBDA_TASK_ROOT', 'LAMBDA_RUNTIME_DIR'],
]
const maxVariableBytes = 4096
const maxLayers = 5

export type Configuration = Partial<Omit<CreateFunctionRequest, 'Code' | 'FunctionName'>>

export function checkName(name: string): void {
  if (!/^[a-zA-Z0-9-_]{1,64}$/.test(name))
    throw malformed('functionName', name, 'Member must satisfy regular expression pattern: [a-zA-Z0-9-_]+')
}

/** Everything about a configuration that needs neither its code nor the rest of the cloud. */
export function checkConfiguration(asked: Configuration, memoryQuotaMb: number): void {
  checkRange('timeout', asked.Timeout, 1, 900)
  checkRange('memorySize', asked.MemorySize, 128, 10_240)
  checkRange('ephemeralStorage.size', asked.EphemeralStorage?.Size, 512, 10_240)
  checkRange('description', asked.Description?.length, 0, 256, 'length')
  checkRange('layers', asked.Layers?.length, 0, maxLayers, 'length')
  if (asked.MemorySize !== undefined && asked.MemorySize > memoryQuotaMb)
    throw invalid(
      `'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to ${memoryQuotaMb}`,
    )
  if (asked.Handler !== undefined && !/^\S{1,128}$/.test(asked.Handler))
    throw malformed('handler', asked.Handler, 'Member must satisfy regular expression pattern: [^\\s]+')
  checkRuntime(asked.Runtime)
  checkArchitectures(asked.Architectures)
  checkVariables(asked.Environment?.Variables ?? {})
  checkSnapStart(asked)
}

function checkRange(
  name: string,
  value: number | undefined,
  least: number,
  most: number,
  what: 'value' | 'length' = 'value',
): void {
  if (value === undefined) return
  if (value < least)
    throw malformed(name, value, `Member must have ${what} greater than or equal to ${least}`)
  if (value > most) throw malformed(name, value, `Member must have ${what} less than or equal to ${most}`)
}

function checkRuntime(runtime: string | undefined): void {
  if (runtime === undefined || runtimes.includes(runtime)) return
  if (retired.test(runtime))
    throw invalid(
      `The runtime parameter of ${runtime} is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
    )
  throw invalid(
    `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${runtimes.join(', ')}] or be a valid ARN`,
  )
}

function checkArchitectures(architectures: readonly string[] | undefined): void {
  if (architectures === undefined) return
  const [only, ...more] = architectures
  if (more.length > 0 || (only !== 'x86_64' && only !== 'arm64'))
    throw malformed(
      'architectures',
      `[${architectures.join(', ')}]`,
      'Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64]]',
    )
}

function checkVariables(variables: Readonly<Record<string, string>>): void {
  const unable =
    'Lambda was unable to configure your environment variables because the environment variables you have provided'
  const names = Object.keys(variables)
  const reserved = names.filter(name => reservedVariables.includes(name))
  if (reserved.length > 0)
    throw invalid(
      `${unable} contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    )
  for (const name of names) {
    if (!/^[a-zA-Z]([a-zA-Z0-9_])+$/.test(name))
      throw malformed(
        'environment.variables',
        name,
        'Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]',
      )
  }
  const measured = JSON.stringify(variables)
  if (Buffer.byteLength(measured) > maxVariableBytes)
    throw invalid(`${unable} exceeded the 4KB limit. String measured: ${measured}`)
}

function checkSnapStart({ SnapStart, Runtime, EphemeralStorage }: Configuration): void {
  if (SnapStart?.ApplyOn !== 'PublishedVersions') return
  if (Runtime !== undefined && !/^(python3\.1[2-9]|java|dotnet)/.test(Runtime))
    throw invalid(`${Runtime} is not supported for SnapStart enabled functions.`)
  if ((EphemeralStorage?.Size ?? 512) > 512)
    throw invalid('SnapStart is not supported with ephemeral storage larger than 512 MB.')
}

/** Together they have to fit into the one place where Lambda unpacks them. */
export function checkSizes(code: Code, layers: readonly LayerVersion[]): void {
  const names = layers.map(({ arn }) => arn.replace(/:\d+$/, ''))
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined)
    throw invalid(
      `Two different versions of the same layer are not allowed to be referenced in the same function: ${twice}`,
    )
  const all = layers.reduce((sum, layer) => sum + layer.code.unzippedBytes, code.unzippedBytes)
  if (all > unzippedLimit)
    throw invalid(
      `Function code combined with layers exceeds the maximum allowed size of ${unzippedLimit} bytes. The actual size is ${all} bytes.`,
    )
}
