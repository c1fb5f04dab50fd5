/** Files that change below a directory, noticed while somebody edits them. */
import { type FSWatcher, watch } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Directories in which nothing is edited by hand. */
const leftOut = /^(\.|node_modules$|__pycache__$|venv$|env$|dist$|build$)/
/** Editors write a file in several steps, and training scripts several files. */
const quietMs = 200

/**
 * Calls back once after each burst of changes, until the signal is aborted. Each directory is watched on its own, because
 * a recursive watch would include all of `node_modules`.
 */
export async function watchFiles(
  dirs: readonly string[],
  onChange: () => void,
  signal: AbortSignal,
): Promise<void> {
  const watchers = new Map<string, FSWatcher>()
  let timer: NodeJS.Timeout | undefined
  const look = async (dir: string): Promise<void> => {
    if (signal.aborted || watchers.has(dir)) return
    try {
      const watcher = watch(dir, (_, name) => {
        if (name !== null && leftOut.test(name)) return
        clearTimeout(timer)
        timer = setTimeout(() => {
          // A directory may have come, with files in it already.
          for (const root of dirs) void look(root)
          void lookBelow(dir)
          onChange()
        }, quietMs)
      })
      watcher.on('error', () => watchers.delete(dir))
      watchers.set(dir, watcher)
    } catch {
      // It went again in the meantime, or the system has no more watches to give.
      return
    }
    await lookBelow(dir)
  }
  const lookBelow = async (dir: string): Promise<void> => {
    const entries = await readdir(dir, { withFileTypes: true }).catch(() => [])
    for (const entry of entries)
      if (entry.isDirectory() && !leftOut.test(entry.name)) await look(join(dir, entry.name))
  }
  signal.addEventListener('abort', () => {
    clearTimeout(timer)
    for (const watcher of watchers.values()) watcher.close()
  })
  for (const dir of dirs) await look(dir)
}
