/** What is uploaded to Lambda: a zip, checked by a reader that is not ours, and where it came from. */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { AwsError, invalid } from '../errors.ts'
import { python } from '../moto.ts'

const run = promisify(execFile)
const script = resolve('tests/aws/lambda/archive.py')

export const unzippedLimit = 262_144_000
const inlineLimit = 52_428_800
/** 50 MB in base64 and the rest of a request. */
const requestLimit = 70_167_211

export interface Code {
  readonly sha256: string
  readonly bytes: number
  readonly unzippedBytes: number
  readonly zip: Buffer
}

/** Where a request says its code is. */
export interface CodeSource {
  readonly ZipFile?: string
  readonly S3Bucket?: string
  readonly S3Key?: string
  readonly S3ObjectVersion?: string
  readonly ImageUri?: string
}

/** Gives an object of a bucket in Lambda's own Region; throws the code and the message of S3. */
export type ReadObject = (bucket: string, key: string) => Promise<Buffer>

export async function readCode(
  source: CodeSource,
  readObject: ReadObject,
  { operation, requestBytes }: { operation: string; requestBytes: number },
): Promise<Code> {
  if (requestBytes > requestLimit) {
    const text = `Request must be smaller than ${requestLimit} bytes for the ${operation} operation`
    throw new AwsError(413, 'RequestEntityTooLargeException', text)
  }
  const places = [source.ZipFile, source.S3Bucket && source.S3Key, source.ImageUri].filter(Boolean)
  if (places.length === 0) throw invalid('Please provide a source for function code.')
  if (places.length > 1)
    throw invalid('Please do not provide other FunctionCode parameters when providing a ZipFile.')
  if (source.ImageUri) throw invalid('The cloud of the tests has no images.')
  if (source.ZipFile !== undefined) {
    const zip = Buffer.from(source.ZipFile, 'base64')
    if (zip.length > inlineLimit) throw invalid(`Zipped size must be smaller than ${inlineLimit} bytes`)
    return checked(zip)
  }
  return checked(await fromS3(source, readObject))
}

async function fromS3({ S3Bucket = '', S3Key = '' }: CodeSource, readObject: ReadObject): Promise<Buffer> {
  try {
    return await readObject(S3Bucket, S3Key)
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    const about = `S3 Error Code: ${error.code}. S3 Error Message: ${error.message}`
    throw invalid(`Error occurred while GetObject. ${about}`)
  }
}

/** SHA-256 → what is in it; undefined for what is no zip. What was looked at is not looked at again. */
const looked = new Map<string, Contents | undefined>()

interface Contents {
  readonly files: number
  readonly unzippedBytes: number
}

async function checked(zip: Buffer): Promise<Code> {
  if (zip.length === 0) throw invalid('Uploaded file must be a non-empty zip')
  const sha256 = createHash('sha256').update(zip).digest('base64')
  if (!looked.has(sha256)) looked.set(sha256, await withFile(zip, file => archive('check', file)))
  const contents = looked.get(sha256)
  if (contents === undefined)
    throw invalid('Could not unzip uploaded file. Please check your file, then try to upload again.')
  const { files, unzippedBytes } = contents
  if (files === 0) throw invalid('Uploaded file must be a non-empty zip')
  if (unzippedBytes >= unzippedLimit)
    throw invalid(`Unzipped size must be smaller than ${unzippedLimit} bytes`)
  return { sha256, bytes: zip.length, unzippedBytes, zip }
}

/** Puts the files of a zip into a directory, readable and executable as they say, as Lambda does. */
export async function unpack({ zip }: Code, dir: string): Promise<void> {
  await withFile(zip, file => archive('unpack', file, dir))
}

async function withFile<T>(bytes: Buffer, work: (file: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'thampi-cloud-'))
  try {
    const file = join(dir, 'archive.zip')
    await writeFile(file, bytes)
    return await work(file)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** Undefined for what is no zip, or has a member that is damaged. */
async function archive(...args: string[]): Promise<Contents | undefined> {
  const { stdout } = await run(python, ['-I', script, ...args], { maxBuffer: 1 << 20 })
  const said = JSON.parse(stdout) as Contents | { readonly error: string }
  return 'error' in said ? undefined : said
}
