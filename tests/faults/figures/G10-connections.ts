/** G10: thousands of connections, slow ones among them, and a host that may open few files. */
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { atLeast, atMost, type Figure, none } from '../figure.ts'
import type { Lab } from '../lab.ts'
import { kill, type World } from '../world.ts'

export const connections: Figure = {
  id: 'G10',
  title: 'thousands of connections, slow clients, few descriptors',
  mutants: [
    {
      name: 'as many connections as come',
      edits: [
        {
          file: 'src/platforms/local/host.ts',
          find: 'connectionCaps(openFileLimit())',
          replace: '[undefined, undefined]',
        },
      ],
      reddens: 'descriptors left for files and processes',
    },
  ],
  run: async lab => {
    const world = await lab.serving({ timeoutSeconds: 20 })
    const many = await manyAtOnce(world, lab.size(1000, 10_000))
    const slow = await slowClients(world, lab)
    const few = await fewDescriptors(lab)
    return [...many, ...slow, ...few]
  },
}

/** Every connection asks one question, all of them at once. */
async function manyAtOnce(world: World, count: number) {
  const pid = (await world.host())?.pid ?? 0
  const statuses = await Promise.all(Array.from({ length: count }, () => askOverOneConnection(world)))
  return [
    atLeast('connections', count, 1000),
    none(
      'connections without an answer',
      statuses.filter(status => status === 0),
    ),
    none(
      'answers that are neither 200 nor 503',
      statuses.filter(status => status !== 0 && status !== 200 && status !== 503),
    ),
    atMost('memory of the host in MB', peakMemoryMb(pid), 300),
  ]
}

/** Hundreds dribble their requests while others ask as usual. */
async function slowClients(world: World, lab: Lab) {
  const { hostname, port, pathname, host } = new URL(world.url)
  const rate = 50
  const quiet = await world.quiet({ rate })
  const sockets: Socket[] = []
  for (let i = 0; i < lab.size(300, 1000); i++) {
    const socket = connect(Number(port), hostname)
    socket.on('error', () => {})
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 1000\r\n${i % 2 ? '\r\n{' : 'X-'}`,
    )
    sockets.push(socket)
  }
  const dribble = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write('a')
  }, 200)
  const among = await world.quiet({ rate }, 2000)
  clearInterval(dribble)
  for (const socket of sockets) socket.destroy()
  return [
    none('failed, lost or wrong among slow clients', [...among.failed, ...among.lost, ...among.wrong]),
    atMost('median among slow clients / quiet', among.slowerThan(quiet, 0.5), 5),
  ]
}

const mayOpen = 128

/** A host that may open few files gets connection after connection, loses its process, and still starts another for a caller it knows. */
async function fewDescriptors(lab: Lab) {
  const world = await lab.serving({ launcher: ['prlimit', `--nofile=${mayOpen}:${mayOpen}`], sandboxes: 1 })
  const { hostname, port } = new URL(world.url)
  const known = connect(Number(port), hostname)
  const before = await askOver(known, world)
  const sandboxes = await world.sandboxes()
  const pid = (await world.host())?.pid ?? 0
  const flood: Socket[] = []
  const more = (count: number): void => {
    for (let i = 0; i < count; i++) flood.push(connect(Number(port), hostname).on('error', () => {}))
  }
  more(300)
  // It goes on: whatever a process leaves free when it dies is wanted at once.
  const goingOn = setInterval(() => more(10), 10)
  await sleep(1000)
  const open = readdirSync(`/proc/${pid}/fd`).length
  for (const sandbox of sandboxes) kill(sandbox)
  await sleep(200)
  const amid = await askOver(known, world)
  clearInterval(goingOn)
  for (const socket of [known, ...flood]) socket.destroy()
  return [
    atLeast('descriptors left for files and processes', mayOpen - open, 16),
    none(
      'not answered amid a flood with 128 descriptors',
      [before, amid].filter(status => status !== 200),
    ),
  ]
}

async function askOverOneConnection(world: World): Promise<number> {
  const { hostname, port } = new URL(world.url)
  const socket = connect(Number(port), hostname)
  const status = await askOver(socket, world)
  socket.destroy()
  return status
}

/** Asks over an open connection, or one that is being opened; 0 when it breaks. */
function askOver(socket: Socket, world: World): Promise<number> {
  const { pathname, host } = new URL(world.url)
  const body = '{"data":1}'
  return new Promise(resolve => {
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    socket.setTimeout(30_000, () => socket.destroy())
    socket.once('data', piece => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(String(piece))?.[1] ?? 0)))
    socket.on('error', () => {})
    socket.once('close', () => resolve(0))
  })
}

function peakMemoryMb(pid: number): number {
  return Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}
