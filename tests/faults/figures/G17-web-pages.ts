/** G17: what any web page can make its reader's browser send to a port of this machine. */
import { request } from 'node:http'
import { type Figure, none } from '../figure.ts'

const methods = ['POST', 'GET', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'PROPFIND']
const json = { 'Content-Type': 'application/json' }

/** Headers of attacks that work against servers on localhost: rebound names, other origins, fetches without CORS. */
const disguises: readonly (readonly [string, (port: string) => Record<string, string>])[] = [
  ['a rebound name', () => ({ ...json, Host: 'evil.example' })],
  ['a rebound name with our port', port => ({ ...json, Host: `evil.example:${port}` })],
  ['0.0.0.0', port => ({ ...json, Host: `0.0.0.0:${port}` })],
  ['a name that begins like ours', port => ({ ...json, Host: `localhost.evil.example:${port}` })],
  ['another origin', () => ({ ...json, Origin: 'https://evil.example' })],
  ['the origin of a sandboxed frame', () => ({ ...json, Origin: 'null' })],
  ['another port of this machine', () => ({ ...json, Origin: 'http://localhost:1' })],
  ['a fetch from another site', () => ({ ...json, 'Sec-Fetch-Site': 'cross-site' })],
  ['a fetch from a sibling site', () => ({ ...json, 'Sec-Fetch-Site': 'same-site' })],
]

/** Simple requests need no permission of the browser: their content types must not be accepted from a page. */
const forms = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', '']

export const webPages: Figure = {
  id: 'G17',
  title: 'a hostile web page: other hosts, origins and sites with every method, forms, WebSockets',
  mutants: [
    {
      name: 'the guard looks away when it is a DELETE',
      edits: [
        {
          file: 'src/gateway/guard.ts',
          find: 'const host = request.headers.host?.toLowerCase()',
          replace:
            "if (request.method === 'DELETE') return undefined\n  const host = request.headers.host?.toLowerCase()",
        },
      ],
      reddens: 'passed the guard',
    },
  ],
  run: async lab => {
    const world = await lab.serving()
    const { port, pathname } = new URL(world.url)
    const attempts = disguises.flatMap(([disguise, headers]) =>
      methods.map(method => ({ name: `${method} with ${disguise}`, method, headers: headers(port) })),
    )
    for (const type of forms) {
      const headers = { 'Content-Type': type, 'Sec-Fetch-Site': 'same-origin' }
      attempts.push({ name: `a form of type "${type}"`, method: 'POST', headers })
    }
    const upgrade = { Connection: 'Upgrade', Upgrade: 'websocket', Origin: 'https://evil.example' }
    attempts.push({ name: 'a WebSocket', method: 'GET', headers: upgrade })
    const passed: string[] = []
    for (const { name, method, headers } of attempts) {
      const status = await send(port, pathname, method, headers)
      if (status !== 403 && status !== 415) passed.push(`${name}: ${status}`)
    }
    const honest = await send(port, pathname, 'POST', json)
    return [
      { name: 'attempts', got: attempts.length, atLeast: 40 },
      none('passed the guard', passed),
      { name: 'executions: only the honest one', got: world.executions().size, atMost: 1 },
      none('honest requests refused', honest === 200 ? 0 : 1),
    ]
  },
}

function send(port: string, path: string, method: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path, method, headers }, response => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    sent.on('upgrade', (_, socket) => {
      socket.destroy()
      resolve(101)
    })
    sent.on('error', reject)
    sent.end(
      method === 'POST' || method === 'PUT' || method === 'PATCH' ? '{"data": {"nonce": "page"}}' : undefined,
    )
  })
}
