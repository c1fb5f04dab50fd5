/** What callers may know of the model, as it was packed, with what only a running function knows: its version and its address. */
import type { Source } from '../problem.ts'
import type { HttpRequest } from './events.ts'

const versionMark = '{{thampi:version}}'
const serverMark = '{{thampi:server}}'
const host = /^[A-Za-z0-9.:[\]-]+$/
const harmless = /^[/A-Za-z0-9._~-]*$/

/** `text` is the manifest's; `contract/lambda.md` says what its marks stand for. */
export function openApiFor(text: string, request: HttpRequest, source: Source): string {
  return text
    .replaceAll(versionMark, String(source.version))
    .replaceAll(serverMark, serverOf(request, source))
}

/** Without a slash at the end; what could be no address is left out. */
function serverOf({ headers, path }: HttpRequest, { stage }: Source): string {
  const before = path.replace(/\/[^/]*\/openapi\.json$/, '')
  const own = `/${stage}`
  const prefix = before.endsWith(own) ? before.slice(0, -own.length) : before
  const name = headers.get('host') ?? ''
  if (!host.test(name) || !harmless.test(prefix)) return ''
  return `${headers.get('x-forwarded-proto') === 'http' ? 'http' : 'https'}://${name}${prefix}`
}
