/** Shows a page to the person at this machine. */
import type { System } from './system.ts'

/** False when this machine has no way to open one. */
export async function openInBrowser(url: string, { os, env, run }: System): Promise<boolean> {
  const [file, ...args] = openers[os]
  const { exitCode } = await run(file, [...args, url], { env, timeoutMs: 5_000 })
  return exitCode === 0
}

const openers: Readonly<Record<System['os'], readonly [file: string, ...args: string[]]>> = {
  linux: ['xdg-open'],
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}
