/** The page, in a real browser: fill, predict, see the answer, roll back. Its screenshots are those of the README. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import type { Browser, Page } from 'playwright-core'
import { beforeAll, describe, expect, it } from 'vitest'
import { browser } from '../support/browser.ts'
import { project } from '../support/journey.ts'

/** `THAMPI_TEST_IMAGES=docs/images` renews those of the documentation. */
const images = process.env.THAMPI_TEST_IMAGES ?? 'test-results/images'

const hostile = '<img src=x onerror="document.title=\'taken\'">'

const training = (release: number): string => `
import thampi

class Iris(thampi.Model):
    def predict(self, args, context):
        if 'word' in args:
            context.logger.info(args['word'])
            return {'word': args['word']}
        return {'class': ['setosa', 'versicolor', 'virginica'][int(args['input'][2] > 2.5)], 'release': ${release}}

thampi.save(Iris(), 'iris', './models', examples=[{'input': [5.9, 3.2, 4.8, 1.8]}])
`

const shop = project()
let chromium: Browser
let address = ''

async function serve(release: number): Promise<void> {
  shop.write('train.py', training(release))
  await shop.python(['train.py'])
  const { status, err } = await shop.thampi(['serve'])
  expect({ status, err: status === 0 ? '' : err }).toEqual({ status: 0, err: '' })
}

beforeAll(async () => {
  chromium = await browser()
  await serve(1)
  await serve(2)
  const opened = await shop.thampi(['open'])
  address = opened.out.trim()
})

interface Look {
  readonly colorScheme?: 'light' | 'dark'
  readonly viewport?: { readonly width: number; readonly height: number }
}

/** A page of a browser that has never been here, with everything that went wrong in it. */
async function opened(url: string, look: Look = {}): Promise<{ page: Page; complaints: string[] }> {
  const page = await chromium.newPage({ viewport: { width: 1100, height: 900 }, ...look })
  const complaints: string[] = []
  page.on('pageerror', error => complaints.push(String(error)))
  page.on('console', message => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('request', request => {
    if (!request.url().startsWith(new URL(address).origin)) complaints.push(`asked ${request.url()}`)
  })
  await page.goto(url)
  await page.getByRole('heading', { level: 1 }).waitFor()
  return { page, complaints }
}

describe('the page of a model', () => {
  it('has the address with a token that the command prints, and forgets it in the address bar', async () => {
    expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/dev\/iris\/#token=[A-Za-z0-9_-]{43}$/)
    const { page } = await opened(address)
    expect(page.url()).not.toContain('token')
    await page.close()
  })

  it('is filled with the first example, predicts, and shows the answer', async () => {
    const { page, complaints } = await opened(address)
    expect(await page.getByLabel('input', { exact: true }).inputValue()).toBe('5.9, 3.2, 4.8, 1.8')
    await page.getByRole('button', { name: 'Predict' }).click()
    await page.getByText(/Answered with 200 after .* by version 2/).waitFor()
    expect(await page.getByRole('region', { name: 'Answer' }).last().textContent()).toContain(
      '"class": "versicolor"',
    )
    await page.getByLabel('input', { exact: true }).fill('5.1, 3.5, 1.4, 0.2')
    await page.getByRole('button', { name: 'Predict' }).press('Enter')
    await page.getByText('"class": "setosa"').waitFor()
    expect(
      await page
        .getByRole('table', { name: /last 50 calls/ })
        .getByRole('row')
        .count(),
    ).toBe(3)
    expect(await page.getByRole('region', { name: 'The call in curl' }).textContent()).toContain(
      '[5.1, 3.5, 1.4, 0.2]',
    )
    expect(complaints).toEqual([])
    await page.close()
  })

  it('says at the field what is wrong in it, and asks nobody', async () => {
    const { page, complaints } = await opened(address)
    let asked = 0
    page.on('request', request => {
      if (request.url().includes('/predict')) asked += 1
    })
    await page.getByLabel('input', { exact: true }).fill('5.1, long, 1.4, 0.2')
    await page.getByRole('button', { name: 'Predict' }).click()
    expect(await page.getByRole('alert').first().textContent()).toContain('"long" is not a number')
    expect(await page.evaluate('document.activeElement?.getAttribute("aria-invalid")')).toBe('true')
    expect([asked, complaints]).toEqual([0, []])
    await page.close()
  })

  it('shows what came from others as text', async () => {
    const { page, complaints } = await opened(address)
    await page.getByRole('tab', { name: 'JSON' }).click()
    await page.getByLabel('data, as JSON').fill(JSON.stringify({ word: hostile }))
    await page.getByRole('button', { name: 'Predict' }).click()
    await page.getByText('Answered with 200').waitFor()
    expect(await page.getByRole('region', { name: 'Answer' }).last().textContent()).toContain(
      '<img src=x onerror=',
    )
    expect(await page.locator('img').count()).toBe(0)
    expect(await page.title()).toBe('iris · dev')
    await page.getByLabel('data, as JSON').fill('{"input": 7}')
    await page.getByRole('button', { name: 'Predict' }).click()
    await page.getByText(/Refused with 500/).waitFor()
    expect(complaints.filter(complaint => !complaint.includes('status of 500'))).toEqual([])
    await page.close()
  })

  it('runs nothing but its own files', async () => {
    const { page } = await opened(address)
    await page.evaluate(`const script = document.createElement('script')
      script.textContent = 'document.title = "taken"'
      document.body.append(script)
      const handler = document.createElement('div')
      handler.innerHTML = '<img src="data:," onerror="document.title=\\'taken\\'">'
      document.body.append(handler)`)
    await page.waitForTimeout(200)
    expect(await page.title()).toBe('iris · dev')
    await page.close()
  })

  it('rolls back, and traffic follows', async () => {
    const { page, complaints } = await opened(address)
    await page.getByRole('button', { name: 'Give all traffic to 1' }).click()
    await page.getByText('Version 1 has all traffic.').waitFor()
    await page.getByRole('button', { name: 'Predict' }).click()
    await page.getByText(/by version 1/).waitFor()
    expect(JSON.parse((await shop.thampi(['info', '--json'])).out)).toMatchObject({
      versions: [{ version: 1, weight: 100 }],
    })
    await page.getByRole('button', { name: 'Give all traffic to 2' }).click()
    await page.getByText('Version 2 has all traffic.').waitFor()
    expect(complaints).toEqual([])
    await page.close()
  })

  it('has no button for who comes without the token', async () => {
    const { page } = await opened(address.replace(/#.*/, ''))
    await page.getByText('thampi open dev').waitFor()
    expect(await page.getByRole('button', { name: /Give all traffic/ }).count()).toBe(0)
    await page.close()
  })

  it('says so when nothing is served there', async () => {
    const response = await fetch(new URL('/dev/nobody/', address))
    expect(response.status).toBe(404)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
  })
})

describe('the traffic', () => {
  const route = (headers: Readonly<Record<string, string>>, body = '{"version": 1}'): Promise<Response> =>
    fetch(new URL('/dev/iris/route', address), { method: 'POST', headers, body })
  const json = { 'Content-Type': 'application/json' }
  const token = (): string => address.slice(address.indexOf('token=') + 'token='.length)

  it.each([
    ['no token', {}, 401],
    ['a wrong token', { 'Thampi-Token': 'x'.repeat(43) }, 401],
  ])('cannot be moved with %s', async (_, headers, status) => {
    const response = await route({ ...json, ...headers })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ code: 'unauthenticated' })
  })

  it('cannot be moved from another site, whatever it knows', async () => {
    const given = { ...json, 'Thampi-Token': token() }
    expect((await route({ ...given, Origin: 'https://evil.example' })).status).toBe(403)
    expect((await route({ ...given, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403)
  })

  it('goes only to versions that there are', async () => {
    const given = { ...json, 'Thampi-Token': token() }
    expect((await route(given, '{"version": 99}')).status).toBe(404)
    expect((await route(given, '{"version": "1"}')).status).toBe(400)
    expect((await route(given, 'nothing')).status).toBe(400)
    expect(JSON.parse((await shop.thampi(['info', '--json'])).out)).toMatchObject({
      versions: [{ version: 2 }],
    })
  })
})

describe('the page of a stage that wants keys', () => {
  it('asks for one before it shows anything, and sends it with a prediction', async () => {
    shop.write(
      'zappa_settings.json',
      JSON.stringify({ kept: { project_name: 'iris', api_key_required: true } }),
    )
    expect((await shop.thampi(['serve', 'kept', '--model_dir=models/iris'])).status).toBe(0)
    const { key } = JSON.parse((await shop.thampi(['keys', 'create', 'kept', 'somebody', '--json'])).out) as {
      key: string
    }
    const { page, complaints } = await opened(new URL('/kept/iris/', address).href)
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('An API key is needed')
    await page.getByLabel('API key').fill('wrong')
    await page.getByLabel('API key').press('Enter')
    await page.getByText('is not one of this stage').waitFor()
    await page.getByLabel('API key').fill(key)
    await page.getByRole('button', { name: 'Show the model' }).click()
    await page.getByRole('button', { name: 'Predict' }).click()
    await page.getByText('Answered with 200').waitFor()
    expect(await page.getByRole('region', { name: 'The call in curl' }).textContent()).not.toContain(key)
    expect(complaints.filter(complaint => !complaint.includes('status of 401'))).toEqual([])
    await page.close()
    expect((await shop.thampi(['undeploy', 'kept', '--yes'])).status).toBe(0)
  })
})

describe('both pages', () => {
  const looks: [string, Look][] = [
    ['light', { colorScheme: 'light' }],
    ['dark', { colorScheme: 'dark' }],
    ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } }],
  ]

  it('draw how many asked and how long they waited, and say it in words', async () => {
    const predict = new URL('/dev/iris/predict', address)
    const body = '{"data": {"input": [5.9, 3.2, 4.8, 1.8]}}'
    // Two slots of ten seconds, so that there is more than a dash to see.
    for (let i = 0; i < 24; i++) {
      await Promise.all(Array.from({ length: 1 + (i % 5) }, () => fetch(predict, { method: 'POST', body })))
      await sleep(500)
    }
    const { page } = await opened(address)
    expect(await page.locator('.chart rect').count()).toBeGreaterThan(1)
    expect(await page.locator('.chart .latency').getAttribute('d')).toMatch(/H[\d.]+L[\d.]+ [\d.]+H/)
    await page.getByText(/Bars: requests\. Line: 99 % of them, up to [\d.]+ ms\./).waitFor()
    await page.getByText(/requests in ten minutes, \d+ failed; .* 99 % within [\d.]+ ms\./).waitFor()
    await page.close()
  })

  it.each(looks)('have no serious fault that axe knows, and fit: %s', async (name, look) => {
    mkdirSync(images, { recursive: true })
    for (const path of ['/', '/dev/iris/']) {
      const { page, complaints } = await opened(path === '/' ? new URL(path, address).href : address, look)
      if (path !== '/') {
        await page.getByRole('button', { name: 'Predict' }).click()
        await page.getByText('Answered with 200').waitFor()
      }
      expect(await faults(page)).toEqual([])
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(overflow)).toBeLessThanOrEqual(0)
      const what = path === '/' ? 'index' : 'model'
      await page.screenshot({ path: `${images}/playground-${what}-${name}.png`, fullPage: true })
      expect(complaints).toEqual([])
      await page.close()
    }
  })

  it('are reached with the keyboard alone', async () => {
    const { page } = await opened(new URL('/', address).href)
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'iris', level: 1 }).waitFor()
    for (let i = 0; i < 30 && (await focused(page)) !== 'Form'; i++) await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowRight')
    expect(await focused(page)).toBe('JSON')
    for (let i = 0; i < 30 && (await focused(page)) !== 'Predict'; i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('Answered with 200').waitFor()
    await page.close()
  })

  it('are small', () => {
    const dir = 'lib/playground'
    const bytes = readdirSync(dir).map(name => gzipSync(readFileSync(`${dir}/${name}`)).length)
    const total = bytes.reduce((sum, size) => sum + size, 0)
    console.log(`the playground is ${total} bytes, compressed`)
    expect(total).toBeLessThan(40_000)
  })
})

function focused(page: Page): Promise<unknown> {
  return page.evaluate('document.activeElement?.textContent')
}

/** What axe-core finds that is serious or worse. It is brought in beside the page's own rules about scripts. */
async function faults(page: Page): Promise<unknown> {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  await page.evaluate(source)
  return page.evaluate(`axe.run().then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]))`)
}
