/** A package index on this machine: wheels made by hand, with any tags, served as PEP 503 and PEP 691 want it. */
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeZip } from '../../src/bundle/zip/write.ts'

export interface WheelToMake {
  readonly name: string
  readonly version: string
  /** `py3-none-any` unless said. */
  readonly tags?: string
  /** Lines of `Requires-Dist`. */
  readonly requires?: readonly string[]
  readonly requiresPython?: string
  /** ISO 8601. */
  readonly uploaded?: string
  /** Instead of a module that knows its version: path → text. */
  readonly files?: Readonly<Record<string, string>>
}

export interface IndexFile {
  readonly file: string
  readonly sha256: string
  readonly bytes: Buffer
}

export interface PackageIndex {
  /** `http://127.0.0.1:PORT/simple` */
  readonly url: string
  /** Paths that were asked for, in order. */
  readonly asked: readonly string[]
  addWheel(wheel: WheelToMake): Promise<IndexFile>
  /** A package of the text files given, as source only. */
  addSource(name: string, version: string, files: Readonly<Record<string, string>>): Promise<IndexFile>
  stop(): Promise<void>
}

export interface IndexOptions {
  /** `name:password` that callers must show. */
  readonly user?: string
  /** Links and nothing else, as a directory behind a web server has them. */
  readonly plain?: boolean
}

export async function startPackageIndex({ user, plain = false }: IndexOptions = {}): Promise<PackageIndex> {
  const work = await mkdtemp(join(tmpdir(), 'thampi-index-'))
  const files: (IndexFile & WheelToMake)[] = []
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url ?? '')
    const expected = user === undefined ? undefined : `Basic ${Buffer.from(user).toString('base64')}`
    if (expected !== undefined && request.headers.authorization !== expected) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="packages"' }).end()
      return
    }
    answer(request, response, files, plain)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const add = async (
    file: string,
    entries: Readonly<Record<string, string>>,
    about: WheelToMake,
  ): Promise<IndexFile> => {
    const path = join(work, file)
    await writeZip(
      path,
      Object.entries(entries).map(([path, text]) => ({ path, executable: false, source: Buffer.from(text) })),
    )
    const bytes = await readFile(path)
    const made = { file, bytes, sha256: createHash('sha256').update(bytes).digest('hex') }
    files.push({ ...about, ...made })
    return made
  }
  return {
    url: `http://127.0.0.1:${port}/simple`,
    asked,
    addWheel: wheel => {
      const { name, version, tags = 'py3-none-any' } = wheel
      return add(`${spelled(name)}-${version}-${tags}.whl`, filesOfWheel(wheel), wheel)
    },
    addSource: (name, version, entries) => {
      const root = `${spelled(name)}-${version}`
      const inRoot = Object.entries(entries).map(([path, text]) => [`${root}/${path}`, text])
      return add(`${root}.zip`, Object.fromEntries(inRoot), { name, version })
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
      await rm(work, { recursive: true, force: true })
    },
  }
}

function answer(
  { url = '', headers }: IncomingMessage,
  response: ServerResponse,
  files: readonly (IndexFile & WheelToMake)[],
  plain: boolean,
): void {
  const download = files.find(({ file }) => url === `/files/${file}`)
  if (download) {
    response.writeHead(200, { 'content-length': download.bytes.length }).end(download.bytes)
    return
  }
  const name = /^\/simple\/([^/]+)\/$/.exec(url)?.[1]
  const listed = files.filter(file => normal(file.name) === name)
  if (name === undefined || listed.length === 0) {
    response.writeHead(404).end()
    return
  }
  if (!plain && headers.accept?.includes('application/vnd.pypi.simple.v1+json')) {
    response
      .writeHead(200, { 'content-type': 'application/vnd.pypi.simple.v1+json' })
      .end(JSON.stringify({ meta: { 'api-version': '1.1' }, name, files: listed.map(fileOf), versions: [] }))
    return
  }
  const links = listed.map(
    ({ file, sha256 }) => `<a href="/files/${file}${plain ? '' : `#sha256=${sha256}`}">${file}</a>`,
  )
  response
    .writeHead(200, { 'content-type': 'text/html' })
    .end(`<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`)
}

function fileOf({ file, sha256, bytes, requiresPython, uploaded }: IndexFile & WheelToMake): object {
  return {
    filename: file,
    url: `/files/${file}`,
    hashes: { sha256 },
    size: bytes.length,
    'upload-time': uploaded ?? '2026-01-01T00:00:00Z',
    ...(requiresPython === undefined ? {} : { 'requires-python': requiresPython }),
  }
}

function filesOfWheel({
  name,
  version,
  tags = 'py3-none-any',
  requires = [],
  requiresPython,
  files: modules = { [`${spelled(name)}/__init__.py`]: `version = "${version}"\n` },
}: WheelToMake): Record<string, string> {
  const info = `${spelled(name)}-${version}.dist-info`
  const metadata = [
    'Metadata-Version: 2.1',
    `Name: ${name}`,
    `Version: ${version}`,
    ...(requiresPython === undefined ? [] : [`Requires-Python: ${requiresPython}`]),
    ...requires.map(line => `Requires-Dist: ${line}`),
  ]
  const files: Record<string, string> = {
    ...modules,
    [`${info}/METADATA`]: `${metadata.join('\n')}\n`,
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: ${tags}\n`,
  }
  const record = Object.entries(files).map(
    ([path, text]) =>
      `${path},sha256=${createHash('sha256').update(text).digest('base64url')},${Buffer.byteLength(text)}`,
  )
  files[`${info}/RECORD`] = `${[...record, `${info}/RECORD,,`].join('\n')}\n`
  return files
}

function spelled(name: string): string {
  return name.replaceAll('-', '_')
}

function normal(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, '-')
}
