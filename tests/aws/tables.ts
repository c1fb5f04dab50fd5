/** Names of calls: method and path of a request → what the reference of the service calls it. */

/** `POST /path/{}` → action; `?x=y` wants that in the query as well. The first that fits is it. */
export type Table = Readonly<Record<string, string>>

const fn = '/2015-03-31/functions/{}'
const url = '/2021-10-31/functions/{}/url'
const provisioned = '/2019-09-30/functions/{}/provisioned-concurrency'
const layers = '/2018-10-31/layers'

export const lambdaTable: Table = {
  'POST /2015-03-31/functions': 'CreateFunction',
  'GET /2015-03-31/functions': 'ListFunctions',
  [`GET ${fn}`]: 'GetFunction',
  [`DELETE ${fn}`]: 'DeleteFunction',
  [`PUT ${fn}/code`]: 'UpdateFunctionCode',
  [`GET ${fn}/configuration`]: 'GetFunctionConfiguration',
  [`PUT ${fn}/configuration`]: 'UpdateFunctionConfiguration',
  [`POST ${fn}/versions`]: 'PublishVersion',
  [`GET ${fn}/versions`]: 'ListVersionsByFunction',
  [`POST ${fn}/aliases`]: 'CreateAlias',
  [`GET ${fn}/aliases`]: 'ListAliases',
  [`GET ${fn}/aliases/{}`]: 'GetAlias',
  [`PUT ${fn}/aliases/{}`]: 'UpdateAlias',
  [`DELETE ${fn}/aliases/{}`]: 'DeleteAlias',
  [`POST ${fn}/invocations`]: 'Invoke',
  [`POST ${fn}/policy`]: 'AddPermission',
  [`GET ${fn}/policy`]: 'GetPolicy',
  [`DELETE ${fn}/policy/{}`]: 'RemovePermission',
  [`POST ${url}`]: 'CreateFunctionUrlConfig',
  [`GET ${url}`]: 'GetFunctionUrlConfig',
  [`PUT ${url}`]: 'UpdateFunctionUrlConfig',
  [`DELETE ${url}`]: 'DeleteFunctionUrlConfig',
  [`GET ${url}s`]: 'ListFunctionUrlConfigs',
  'PUT /2017-10-31/functions/{}/concurrency': 'PutFunctionConcurrency',
  'GET /2019-09-30/functions/{}/concurrency': 'GetFunctionConcurrency',
  'DELETE /2017-10-31/functions/{}/concurrency': 'DeleteFunctionConcurrency',
  [`PUT ${provisioned}`]: 'PutProvisionedConcurrencyConfig',
  [`GET ${provisioned}?List=ALL`]: 'ListProvisionedConcurrencyConfigs',
  [`GET ${provisioned}`]: 'GetProvisionedConcurrencyConfig',
  [`DELETE ${provisioned}`]: 'DeleteProvisionedConcurrencyConfig',
  'GET /2017-03-31/tags/{}': 'ListTags',
  'POST /2017-03-31/tags/{}': 'TagResource',
  'DELETE /2017-03-31/tags/{}': 'UntagResource',
  [`GET ${layers}?find=LayerVersion`]: 'GetLayerVersionByArn',
  [`GET ${layers}`]: 'ListLayers',
  [`POST ${layers}/{}/versions`]: 'PublishLayerVersion',
  [`GET ${layers}/{}/versions`]: 'ListLayerVersions',
  [`GET ${layers}/{}/versions/{}`]: 'GetLayerVersion',
  [`DELETE ${layers}/{}/versions/{}`]: 'DeleteLayerVersion',
  'GET /2016-08-19/account-settings': 'GetAccountSettings',
}

const api = '/v2/apis/{}'
export const apiTable: Table = {
  'POST /v2/apis': 'CreateApi',
  'GET /v2/apis': 'GetApis',
  [`GET ${api}`]: 'GetApi',
  [`PATCH ${api}`]: 'UpdateApi',
  [`DELETE ${api}`]: 'DeleteApi',
  [`DELETE ${api}/cors`]: 'DeleteCorsConfiguration',
  [`POST ${api}/integrations`]: 'CreateIntegration',
  [`GET ${api}/integrations`]: 'GetIntegrations',
  [`GET ${api}/integrations/{}`]: 'GetIntegration',
  [`PATCH ${api}/integrations/{}`]: 'UpdateIntegration',
  [`DELETE ${api}/integrations/{}`]: 'DeleteIntegration',
  [`POST ${api}/routes`]: 'CreateRoute',
  [`GET ${api}/routes`]: 'GetRoutes',
  [`GET ${api}/routes/{}`]: 'GetRoute',
  [`PATCH ${api}/routes/{}`]: 'UpdateRoute',
  [`DELETE ${api}/routes/{}`]: 'DeleteRoute',
  [`POST ${api}/stages`]: 'CreateStage',
  [`GET ${api}/stages`]: 'GetStages',
  [`GET ${api}/stages/{}`]: 'GetStage',
  [`PATCH ${api}/stages/{}`]: 'UpdateStage',
  [`DELETE ${api}/stages/{}`]: 'DeleteStage',
  [`POST ${api}/authorizers`]: 'CreateAuthorizer',
  [`GET ${api}/authorizers`]: 'GetAuthorizers',
  [`GET ${api}/authorizers/{}`]: 'GetAuthorizer',
  [`PATCH ${api}/authorizers/{}`]: 'UpdateAuthorizer',
  [`DELETE ${api}/authorizers/{}`]: 'DeleteAuthorizer',
  'GET /v2/tags/{}': 'GetTags',
  'POST /v2/tags/{}': 'TagResource',
  'DELETE /v2/tags/{}': 'UntagResource',
}

export const schedulerTable: Table = {
  'GET /schedules': 'ListSchedules',
  'POST /schedules/{}': 'CreateSchedule',
  'GET /schedules/{}': 'GetSchedule',
  'PUT /schedules/{}': 'UpdateSchedule',
  'DELETE /schedules/{}': 'DeleteSchedule',
  'GET /tags/{}': 'ListTagsForResource',
  'POST /tags/{}': 'TagResource',
  'DELETE /tags/{}': 'UntagResource',
}

/** A part of the query → the action by method; what comes first is more special. */
export const s3Subresources: Table = {
  publicAccessBlock: 'PublicAccessBlock',
  ownershipControls: 'BucketOwnershipControls',
  policy: 'BucketPolicy',
  encryption: 'BucketEncryption',
  lifecycle: 'BucketLifecycleConfiguration',
  versioning: 'BucketVersioning',
  location: 'BucketLocation',
  cors: 'BucketCors',
  acl: 'BucketAcl',
}

export const s3Permissions: Table = {
  CreateMultipartUpload: 'PutObject',
  UploadPart: 'PutObject',
  UploadPartCopy: 'PutObject',
  CompleteMultipartUpload: 'PutObject',
  CopyObject: 'PutObject',
  HeadObject: 'GetObject',
  DeleteObjects: 'DeleteObject',
  HeadBucket: 'ListBucket',
  ListObjects: 'ListBucket',
  ListObjectsV2: 'ListBucket',
  ListObjectVersions: 'ListBucketVersions',
  ListBuckets: 'ListAllMyBuckets',
  ListParts: 'ListMultipartUploadParts',
  ListMultipartUploads: 'ListBucketMultipartUploads',
  PutPublicAccessBlock: 'PutBucketPublicAccessBlock',
  GetPublicAccessBlock: 'GetBucketPublicAccessBlock',
  PutBucketEncryption: 'PutEncryptionConfiguration',
  GetBucketEncryption: 'GetEncryptionConfiguration',
  PutBucketLifecycleConfiguration: 'PutLifecycleConfiguration',
  GetBucketLifecycleConfiguration: 'GetLifecycleConfiguration',
  DeleteBucketTagging: 'PutBucketTagging',
}
