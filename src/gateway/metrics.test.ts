import { describe, expect, it } from 'vitest'
import { HttpCounts } from './http-counts.ts'
import { exposition, type Family, Histogram } from './metrics.ts'

const gauge = (value: number, labels = {}): Family => ({
  name: 'some_gauge',
  help: 'One\nof two \\ lines.',
  type: 'gauge',
  samples: [{ labels, value }],
})

describe('the text for Prometheus', () => {
  it('has help and type before the samples, and a line feed at the end', () => {
    expect(exposition([gauge(3), { ...gauge(0), name: 'other', samples: [] }])).toBe(
      [
        '# HELP some_gauge One\\nof two \\\\ lines.',
        '# TYPE some_gauge gauge',
        'some_gauge 3',
        '# HELP other One\\nof two \\\\ lines.',
        '# TYPE other gauge',
        '',
      ].join('\n'),
    )
  })

  it('keeps a label value inside its quotes, whatever it holds', () => {
    expect(exposition([gauge(1, { a: 'x"} 5\n\\', b: 'é' })])).toContain(
      'some_gauge{a="x\\"} 5\\n\\\\",b="é"} 1\n',
    )
  })

  it('adds up buckets, whose bounds belong to them, to the count', () => {
    const histogram = new Histogram([0.5, 1])
    for (const value of [0.5, 0.25, 1, 4]) histogram.observe(value)
    const family: Family = { ...gauge(0), type: 'histogram', samples: [{ labels: {}, value: histogram }] }
    expect(exposition([family]).split('\n').slice(2)).toEqual([
      'some_gauge_bucket{le="0.5"} 2',
      'some_gauge_bucket{le="1"} 3',
      'some_gauge_bucket{le="+Inf"} 4',
      'some_gauge_sum 5.75',
      'some_gauge_count 4',
      '',
    ])
  })
})

describe('counts of requests', () => {
  it('carry the labels of OpenTelemetry, and none that a client made up', () => {
    const counts = new HttpCounts()
    counts.of('/livez', 'GET').add(200, 0.001)
    counts.of('/livez', 'GET').add(200, 0.001)
    counts.of('', 'BREW').add(404, 0.001)
    counts.of('/livez', 'POST').add(503, 0.001)
    const labels = counts.family().samples.map(({ labels }) => labels)
    expect(labels).toEqual([
      {
        http_request_method: 'GET',
        http_route: '/livez',
        http_response_status_code: '200',
        url_scheme: 'http',
      },
      { http_request_method: '_OTHER', http_response_status_code: '404', url_scheme: 'http' },
      {
        http_request_method: 'POST',
        http_route: '/livez',
        http_response_status_code: '503',
        url_scheme: 'http',
        error_type: '503',
      },
    ])
  })
})
