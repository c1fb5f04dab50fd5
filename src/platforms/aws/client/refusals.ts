/** Refusals that a person can do more about than AWS's own words say: limits of the account, rules of an organisation. */
import type { ErrorParts } from '../../../errors.ts'
import type { Failure } from './trouble.ts'

/** What stands in a policy for a call that has another name there; S3 does not always say it. */
const permissions: Readonly<Record<string, string>> = {
  'lambda:Invoke': 'lambda:InvokeFunction',
  's3:HeadBucket': 's3:ListBucket',
  's3:HeadObject': 's3:GetObject',
  's3:ListObjectsV2': 's3:ListBucket',
  's3:PutPublicAccessBlock': 's3:PutBucketPublicAccessBlock',
  's3:PutBucketLifecycleConfiguration': 's3:PutLifecycleConfiguration',
  's3:CreateMultipartUpload': 's3:PutObject',
  's3:UploadPart': 's3:PutObject',
  's3:CompleteMultipartUpload': 's3:PutObject',
}

/** API Gateway's permissions are the verbs of its calls. */
const verbs: Readonly<Record<string, string>> = {
  Get: 'GET',
  Create: 'POST',
  Put: 'PUT',
  Update: 'PATCH',
  Delete: 'DELETE',
}

/**
 * @example
 * permissionFor('s3', 'HeadBucket') // 's3:ListBucket'
 */
export function permissionFor(service: string, call: string): string {
  if (!service.startsWith('apigateway')) return permissions[`${service}:${call}`] ?? `${service}:${call}`
  const verb = verbs[/^[A-Z][a-z]+/.exec(call)?.[0] ?? '']
  return `apigateway:${verb ?? call}`
}

/** Undefined for a denial that a policy of the caller's own can lift. */
export function ruledOut(message: string): string | undefined {
  const [, rule] =
    /explicit deny in an? ([a-z -]*policy)|no ((?:service|resource) control policy) allows|(permissions boundary)/i.exec(
      message,
    ) ?? []
  return rule
}

/** What is said of a limit that the account has come to; undefined when it is none that is known here. */
export function limitOf(
  { awsCode, message }: Pick<Failure, 'awsCode' | 'message'>,
  action: string,
): Omit<ErrorParts, 'cause'> | undefined {
  if (awsCode === 'CodeStorageExceeded') {
    return {
      message: `There is no room left for code in this account and region (${action}).`,
      why: message,
      fix: 'thampi undeploy STAGE   # one that nobody needs; or a lower "num_retained_versions"',
    }
  }
  const memory = /memorySize'? (?:value )?failed to satisfy constraint: .*less than or equal to (\d+)/i.exec(
    message,
  )
  if (memory) {
    return {
      message: `Functions of this account may have ${memory[1]} MB of memory at most.`,
      why: 'New accounts begin with less than others; AWS Support raises it.',
      fix: `"memory_size": ${memory[1]}   # in the settings of the stage, then run the same command again`,
    }
  }
  if (/ReservedConcurrentExecutions .*below its minimum/i.test(message)) {
    return {
      message: 'This account has not so many requests at a time to reserve as "lambda_concurrency" wants.',
      why: message,
      fix: 'write a lower "lambda_concurrency", or take it out, and run the same command again',
    }
  }
  return undefined
}
