/** S3 as strict as it is: moto stores, here owners, Regions, names and checksums are held to. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { Action, Request } from './actions.ts'
import { account } from './actions.ts'
import { AwsError } from './errors.ts'
import type { Answer, Moto } from './moto.ts'

export class S3 {
  readonly #moto: Moto
  readonly #regions = new Map<string, string>()
  readonly #foreign = new Set<string>()

  constructor(moto: Moto) {
    this.#moto = moto
  }

  /** From now on this bucket is somebody else's. */
  takeAway(bucket: string): void {
    this.#foreign.add(bucket)
  }

  async answer(action: Action, request: Request): Promise<Answer> {
    const [bucket = ''] = action.parameters
    if (bucket !== '') this.#checkOwner(action.action, bucket, request)
    if (action.action === 'CreateBucket') checkNewBucket(bucket, action.region, request)
    else this.#checkRegion(bucket, action)
    if (action.action === 'PutObject' || action.action === 'UploadPart') checkSums(request)
    const answer = await this.#moto.pass({ ...request, path: request.target })
    if (action.action === 'CreateBucket' && answer.status === 200) this.#regions.set(bucket, action.region)
    if (action.action === 'DeleteBucket' && answer.status === 204) this.#regions.delete(bucket)
    return answer
  }

  /** For Lambda, which reads in its own Region only. */
  async read(bucket: string, key: string, region: string): Promise<Buffer> {
    const home = this.#regions.get(bucket)
    if (home !== undefined && home !== region)
      throw new AwsError(
        301,
        'PermanentRedirect',
        `The bucket is in this region: ${home}. Please use this region to retry the request`,
      )
    const path = `/${bucket}/${key.split('/').map(encodeURIComponent).join('/')}`
    const { status, body } = await this.#moto.ask('s3', region, { method: 'GET', path })
    if (status === 200) return body
    const [, code = 'AccessDenied'] = /<Code>([^<]*)/.exec(body.toString()) ?? []
    const [, message = 'Access Denied'] = /<Message>([^<]*)/.exec(body.toString()) ?? []
    throw new AwsError(status, code, message)
  }

  clear(): void {
    this.#regions.clear()
    this.#foreign.clear()
  }

  #checkOwner(action: string, bucket: string, { headers }: Request): void {
    const isForeign = this.#foreign.has(bucket)
    if (isForeign && action === 'CreateBucket')
      throw new AwsError(
        409,
        'BucketAlreadyExists',
        'The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.',
      )
    const expected = headers['x-amz-expected-bucket-owner']
    if (isForeign || (expected !== undefined && expected !== account))
      throw new AwsError(403, 'AccessDenied', 'Access Denied')
  }

  #checkRegion(bucket: string, { action, region }: Action): void {
    const home = this.#regions.get(bucket)
    if (home === undefined || home === region || action === 'GetBucketLocation') return
    throw new Redirect(home)
  }
}

/** Has the Region in a header, where clients look for it. */
export class Redirect extends AwsError {
  readonly region: string

  constructor(region: string) {
    super(
      301,
      'PermanentRedirect',
      'The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.',
    )
    this.region = region
  }
}

function checkNewBucket(bucket: string, region: string, { body }: Request): void {
  const isName =
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) &&
    !/\.\.|^\d+\.\d+\.\d+\.\d+$|^xn--|-s3alias$|--ol-s3$/.test(bucket)
  if (!isName) throw new AwsError(400, 'InvalidBucketName', 'The specified bucket is not valid.')
  const [, constraint] = /<LocationConstraint[^>]*>([^<]*)</.exec(body.toString()) ?? []
  if (region === 'us-east-1') {
    if (constraint === 'us-east-1')
      throw new AwsError(400, 'InvalidLocationConstraint', 'The specified location-constraint is not valid')
    if (constraint === undefined) return
  }
  if (constraint !== region)
    throw new AwsError(
      400,
      'IllegalLocationConstraintException',
      `The ${constraint ?? 'unspecified'} location constraint is incompatible for the region specific endpoint this request was sent to.`,
    )
}

const sums: Readonly<Record<string, (bytes: Buffer) => string>> = {
  crc32: bytes => {
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(bytes))
    return sum.toString('base64')
  },
  sha256: bytes => createHash('sha256').update(bytes).digest('base64'),
  sha1: bytes => createHash('sha1').update(bytes).digest('base64'),
}

/** What arrived must be what was sent, by each sum that came along. */
function checkSums({ headers, body }: Request): void {
  const isChunked = String(headers['content-encoding'] ?? '').includes('aws-chunked')
  const { bytes, trailers } = isChunked
    ? unchunked(body)
    : { bytes: body, trailers: new Map<string, string>() }
  const length = headers['x-amz-decoded-content-length']
  if (isChunked && length !== undefined && Number(length) !== bytes.length)
    throw new AwsError(
      400,
      'IncompleteBody',
      'You did not provide the number of bytes specified by the Content-Length HTTP header',
    )
  for (const [name, sum] of Object.entries(sums)) {
    const header = `x-amz-checksum-${name}`
    const told = headers[header] ?? trailers.get(header)
    if (told !== undefined && told !== sum(bytes))
      throw new AwsError(
        400,
        'BadDigest',
        `The ${name.toUpperCase()} you specified did not match the calculated checksum.`,
      )
  }
  const md5 = headers['content-md5']
  if (md5 !== undefined && md5 !== createHash('md5').update(bytes).digest('base64'))
    throw new AwsError(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
}

/** `aws-chunked`: sizes in hexadecimal before pieces, and sums that were not known at the start after the last. */
function unchunked(body: Buffer): { bytes: Buffer; trailers: Map<string, string> } {
  const pieces: Buffer[] = []
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    const size = Number.parseInt(body.subarray(at, end).toString(), 16)
    if (end < 0 || Number.isNaN(size))
      throw new AwsError(400, 'IncompleteBody', 'The request body terminated unexpectedly')
    at = end + 2
    if (size === 0) break
    pieces.push(body.subarray(at, at + size))
    at += size + 2
  }
  const lines = body.subarray(at).toString().split('\r\n')
  const trailers = lines.filter(line => line.includes(':')).map(line => line.split(/:(.*)/, 2))
  return {
    bytes: Buffer.concat(pieces),
    trailers: new Map(trailers.map(([name = '', value = '']) => [name.trim(), value.trim()])),
  }
}
