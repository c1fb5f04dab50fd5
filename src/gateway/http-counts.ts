/** How long which answers took, by route, method and status: `http_server_request_duration_seconds`. */
import { type Family, Histogram, type Labels, requestBounds, type Sample } from './metrics.ts'

/** Methods by name as OpenTelemetry has it: what a client invents is no label. */
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'])

/** The answers of one route to one method. */
export class RouteCounts {
  readonly template: string
  readonly method: string
  #byStatus: (Histogram | undefined)[] = []

  constructor(template: string, method: string) {
    this.template = template
    this.method = method
  }

  add(status: number, seconds: number): void {
    let histogram = this.#byStatus[status]
    if (histogram === undefined) {
      histogram = new Histogram(requestBounds)
      this.#byStatus[status] = histogram
    }
    histogram.observe(seconds)
  }

  samples(): Sample[] {
    const samples: Sample[] = []
    this.#byStatus.forEach((value, status) => {
      if (value) samples.push({ labels: this.#labels(status), value })
    })
    return samples
  }

  #labels(status: number): Labels {
    return {
      http_request_method: this.method,
      ...(this.template === '' ? {} : { http_route: this.template }),
      http_response_status_code: String(status),
      url_scheme: 'http',
      // OpenTelemetry: for a server, what the client did wrong is no error.
      ...(status >= 500 ? { error_type: String(status) } : {}),
    }
  }
}

export const predictTemplate = '/{stage}/{model}/predict'
export const pinnedTemplate = '/{stage}/{model}@{version}/predict'

export class HttpCounts {
  #routes = new Map<string, RouteCounts>()
  /** Asked so often that looking them up would cost more than counting. */
  readonly predict: RouteCounts = this.of(predictTemplate, 'POST')
  readonly pinned: RouteCounts = this.of(pinnedTemplate, 'POST')

  /**
   * The counts of a route; whoever has many requests keeps them. `template` is one of ours, never the path that came; it is
   * empty for requests to no route.
   */
  of(template: string, method: string | undefined): RouteCounts {
    const known = method !== undefined && knownMethods.has(method) ? method : '_OTHER'
    const key = `${known} ${template}`
    let counts = this.#routes.get(key)
    if (counts === undefined) {
      counts = new RouteCounts(template, known)
      this.#routes.set(key, counts)
    }
    return counts
  }

  family(): Family {
    return {
      name: 'http_server_request_duration_seconds',
      help: 'Duration of HTTP requests, from the head to the answer.',
      type: 'histogram',
      samples: [...this.#routes.values()].flatMap(route => route.samples()),
    }
  }
}
