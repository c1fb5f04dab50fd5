/** The host's side of other protocols: the model that a path means is asked, and what was asked is logged. */
import { tensorsOf } from '../../api/tensors.ts'
import { refuseKeyless } from '../../gateway/api-key.ts'
import type { Endpoint, GatewayAnswer, GatewayRequest } from '../../gateway/gateway.ts'
import type { PageAnswer, PageRequest } from '../../gateway/page.ts'
import { problemAnswer } from '../../gateway/problem.ts'
import type { Door, Place, Protocols } from '../../gateway/protocols.ts'
import { readSchema } from '../../model/schema.ts'
import { traceIdOf } from '../../wire/trace.ts'
import type { Host } from './host.ts'
import { mostOf } from './playground.ts'

export function protocolsOf(host: Host): Pick<Protocols, 'tensors' | 'ask'> {
  return {
    tensors: async place => {
      const stage = host.find(place)
      const record = stage && (await stage.version(place.version ?? mostOf(stage)))
      return record && tensorsOf(await readSchema(host.at.layer(record.layers.model)))
    },
    ask: (place, door, request) => ask(host, place, door, request),
  }
}

async function ask(host: Host, place: Place, door: Door, request: PageRequest): Promise<PageAnswer> {
  const started = performance.now()
  const stage = host.find(place)
  const { requestId, headers } = request
  if (!stage?.isServed) {
    return asPage(problemAnswer('no-such-model', requestId, { detail: 'The stage is being taken down.' }))
  }
  const refusal = refuseKeyless(headers, stage.keys)
  const traceId = headers.traceparent === undefined ? undefined : traceIdOf(String(headers.traceparent))
  const answer = refusal
    ? { ...problemAnswer(refusal.code, requestId, refusal), headers: refusal.headers }
    : await answerOf(place.version === undefined ? stage : stage.pinned(place.version), {
        ...{ requestId, body: request.body, pretty: false, isAbandoned: request.isAbandoned },
        traceparent: traceId === undefined ? undefined : String(headers.traceparent),
        door,
        contentType: headers['content-type'],
      })
  const { status, version } = answer
  const ms = performance.now() - started
  stage.accessed({ ...stage.key, requestId, status, ms, version, traceId, path: pathOf(place, door) })
  return asPage(answer)
}

function answerOf(endpoint: Endpoint, request: GatewayRequest): Promise<GatewayAnswer> {
  return new Promise(resolve => endpoint.answer(request, resolve))
}

function asPage({ status, body, version, retryAfterMs, headers = [] }: GatewayAnswer): PageAnswer {
  const more = [...headers]
  if (version !== undefined) more.push('Thampi-Version', String(version))
  if (retryAfterMs !== undefined)
    more.push('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1000))))
  return {
    status,
    contentType: status < 400 ? 'application/json' : 'application/problem+json',
    body,
    headers: more,
  }
}

/** The path below the stage, whichever way it was written. */
function pathOf({ stage, model, version }: Place, door: Door): string {
  const pinned = version === undefined ? '' : `/versions/${version}`
  if (door === 'v2') return `/${stage}/v2/models/${model}${pinned}/infer`
  return door === 'v1' ? `/${stage}/v1/models/${model}:predict` : `/${stage}/${model}/invocations`
}
