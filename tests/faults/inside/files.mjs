/**
 * Loaded into the host with `--import`: lets the suite make the n-th operation on a file fail, as a full or broken
 * disk does. `{ fail: { nth, code, below } }` arms it, `{ calm: true }` disarms it and tells what was hit.
 */
import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

const messages = {
  ENOSPC: 'no space left on device',
  EIO: 'i/o error',
  EMFILE: 'too many open files',
  EROFS: 'read-only file system',
}
let armed
let count = 0
let hit

for (const name of ['open', 'readFile', 'readdir', 'mkdir', 'rename', 'rm']) {
  const real = promises[name]
  promises[name] = async (path, ...rest) => {
    step(name, path, rest[0])
    const result = await real(path, ...rest)
    if (name === 'open') breakable(result, path)
    return result
  }
}
// A handle that was opened keeps the name it was opened by.
function breakable(handle, path) {
  for (const name of ['writeFile', 'sync']) {
    const real = handle[name].bind(handle)
    handle[name] = async (...given) => {
      step(name, path)
      return real(...given)
    }
  }
}
syncBuiltinESMExports()

function step(name, path, flags) {
  if (!armed || !String(path).startsWith(armed.below) || ++count !== armed.nth) return
  const changes = name !== 'readFile' && name !== 'readdir' && !(name === 'open' && flags === 'r')
  hit = { name, path, changes }
  const { code } = armed
  throw Object.assign(new Error(`${code}: ${messages[code]}, ${name} '${path}'`), {
    code,
    syscall: name,
    path,
  })
}

process.on('message', ({ fail, calm }) => {
  if (fail) [armed, count, hit] = [fail, 0, undefined]
  if (calm) armed = undefined
  process.send({ armed: armed !== undefined, hit })
})
// Being able to hear us must not keep a host alive that wants to end.
process.channel?.unref()
