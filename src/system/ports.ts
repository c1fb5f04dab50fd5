/** Who listens on a port: for a message that names the holder instead of a number of an error. */
import { readdir, readFile, readlink } from 'node:fs/promises'
import type { System } from './system.ts'

/** The command line of the program that listens on `port` of this machine, if it can be told. */
export async function portHolder(port: number, system: System): Promise<string | undefined> {
  if (system.os === 'linux') return holderOnLinux(port)
  if (system.os === 'win32') return undefined
  const { stdout } = await system.run('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fpc'], {
    env: system.env,
  })
  const pid = /^p(\d+)/m.exec(stdout)?.[1]
  const command = /^c(.+)/m.exec(stdout)?.[1]
  return pid && command ? `${command} (process ${pid})` : undefined
}

async function holderOnLinux(port: number): Promise<string | undefined> {
  const inodes = new Set<string>()
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    const lines = (await readFile(table, 'utf8').catch(() => '')).split('\n').slice(1)
    for (const line of lines) {
      const fields = line.trim().split(/\s+/)
      // Columns of proc(5): local address, state (0A = LISTEN), inode.
      if (fields[1]?.endsWith(`:${hexPort}`) && fields[3] === '0A' && fields[9])
        inodes.add(`socket:[${fields[9]}]`)
    }
  }
  if (inodes.size === 0) return undefined
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '')
      if (!inodes.has(target)) continue
      const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''))
        .split('\0')
        .join(' ')
        .trim()
      return `${command.slice(0, 60)} (process ${pid})`
    }
  }
  return undefined
}
