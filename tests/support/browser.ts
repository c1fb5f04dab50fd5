/**
 * A real Chromium for tests: Debian's, driven by playwright-core. Where there is none it is installed, which takes root;
 * where that is not possible the test fails and says why.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'
import { afterAll } from 'vitest'

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

/** A browser that is closed when the tests of the file are over. */
export async function browser(): Promise<Browser> {
  const opened = await chromium.launch({
    executablePath: found() ?? installed(),
    // In containers there is neither a user to separate nor much shared memory.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
  afterAll(() => opened.close())
  return opened
}

function found(): string | undefined {
  return [process.env.THAMPI_TEST_CHROMIUM, ...places].find(path => path !== undefined && existsSync(path))
}

function installed(): string {
  try {
    execFileSync('apt-get', ['install', '--yes', '--quiet', '--no-install-recommends', 'chromium'], {
      stdio: 'ignore',
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
  } catch (cause) {
    throw new Error('The playground is tested in Chromium. Fix: apt-get install chromium', { cause })
  }
  const path = found()
  if (path === undefined) throw new Error(`Chromium was installed and is at none of ${places.join(', ')}`)
  return path
}
