import { expect, it } from 'vitest'
import { type Page, placesOf } from './page.ts'

const page = (template: string, method: Page['method'] = 'GET'): Page => ({
  template,
  method,
  answer: () => ({ status: 200, contentType: 'text/plain', body: template }),
})

const find = placesOf([
  page('/v2/models/{model}'),
  page('/v2/models/{model}/versions/{version}/infer', 'POST'),
  page('/{stage}/{model}/'),
  page('/v2/models'),
  page('/a.b/{name}'),
])

it('a path without parameters is found before a template that fits as well', () => {
  expect(find('/v2/models')?.template).toBe('/v2/models')
  expect(find('/v2/models/')?.template).toBe('/{stage}/{model}/')
})

it('parameters hold what stands in the path, and no name an attacker chose', () => {
  const place = find('/v2/models/my-model_2/versions/7/infer')
  expect(place?.params).toEqual({ model: 'my-model_2', version: '7' })
  expect(find('/v2/models/__proto__')?.params).toEqual({ model: '__proto__' })
})

it.each([
  '/',
  '/v2/models/a%2Fb',
  '/v2/models/a/b',
  '/v2/models/..',
  '/aXb/c',
  '/V2/models',
  '//',
  '/constructor',
])('nothing is found at %s', path => expect(find(path)).toBeUndefined())

it('HEAD is GET, and other methods are named', () => {
  expect(find('/v2/models')?.methods).toEqual(['GET', 'HEAD'])
  expect(find('/v2/models')?.page('HEAD')).toBe(find('/v2/models')?.page('GET'))
  expect(find('/v2/models/a/versions/1/infer')?.methods).toEqual(['POST'])
  expect(find('/v2/models/a/versions/1/infer')?.page('GET')).toBeUndefined()
})
