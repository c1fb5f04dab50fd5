import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import type { Callers } from '../../platform.ts'
import { tryAsStranger } from './probe.ts'

const nothing: Callers = { bring: 'nothing' }
const signature: Callers = { bring: 'signature', service: 'execute-api', region: 'eu-central-1' }

const visit = async (url: string): Promise<number> => (await fetch(url)).status

/** What is said of an address that answers so, one status after the other, the last one for ever. */
async function said(callers: Callers, isNew: boolean, ...statuses: number[]) {
  let asked = 0
  const server = createServer((_, response) => {
    response.statusCode = statuses[Math.min(asked++, statuses.length - 1)] ?? 500
    response.end()
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  const lines: string[] = []
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dev/mymodel/predict`
  await tryAsStranger({ url, callers, isNew }, { visit, tell: line => lines.push(line), withinMs: 800 })
  return { lines, asked }
}

it('says nothing of an address that is what the settings say, be it after a while', async () => {
  expect(await said(nothing, true, 404, 405)).toEqual({ lines: [], asked: 2 })
  expect(await said(signature, true, 500, 403)).toEqual({ lines: [], asked: 2 })
  expect(await said(signature, false, 200, 401)).toEqual({ lines: [], asked: 2 })
})

it('does not ask what was open before and shall be', async () => {
  expect(await said(nothing, false, 500)).toEqual({ lines: [], asked: 0 })
})

it('says when everybody gets in, nobody does, or nothing is there', async () => {
  expect((await said(signature, false, 405)).lines).toEqual([
    expect.stringMatching(/^Warning: http.* lets everybody in \(HTTP 405\), which the settings do not say/),
  ])
  expect((await said(nothing, true, 403)).lines).toEqual([
    expect.stringContaining('lets nobody in (HTTP 403)'),
  ])
  expect((await said(nothing, true, 404)).lines).toEqual([expect.stringContaining('does not answer yet')])
})
