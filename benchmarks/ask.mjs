/** One request, for readiness, checks and cold starts; load comes from the generator. */
import { request } from 'node:http'

/**
 * @param {string} url
 * @param {string} body
 * @param {{ timeoutMs?: number, agent?: import('node:http').Agent }} [options]
 * @returns {Promise<{ status: number, body: string, ms: number }>} `ms` until the whole answer was there
 */
export function ask(url, body, { timeoutMs = 30_000, agent } = {}) {
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }
    const sent = request(url, { method: 'POST', headers, agent, timeout: timeoutMs }, response => {
      const chunks = []
      response.on('data', chunk => chunks.push(chunk))
      response.on('error', reject)
      response.on('end', () =>
        resolve({
          status: response.statusCode,
          body: Buffer.concat(chunks).toString('utf8'),
          ms: performance.now() - started,
        }),
      )
    })
    sent.on('timeout', () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    sent.on('error', reject)
    sent.end(body)
  })
}
