/** Layers on disk: copied in once, checked while they are copied, named by their content, never changed. */
import { createHash, randomBytes } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { access, chmod, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DependencyArchive, FileEntry, Layer } from '../../bundle/bundle.ts'
import { removeReadOnly, unpackOnce } from '../../bundle/unpacked.ts'
import { ThampiError } from '../../errors.ts'
import { type Digest, explainFileError, resolveInside, syncDirectory } from '../../system/files.ts'
import type { System } from '../../system/system.ts'
import type { Layout } from './layout.ts'

/** Puts a layer into the store unless it is there. Several processes may do so at once; one of them wins, all are right. */
export async function putLayer(at: Layout, layer: Layer): Promise<void> {
  const place = at.layer(layer.digest)
  if (await exists(place)) return
  const temporary = join(at.tmp, randomBytes(8).toString('hex'))
  try {
    await mkdir(temporary, { recursive: true, mode: 0o700 })
    for (const file of layer.files) await copyChecked(file, resolveInside(temporary, file.path))
    await mkdir(dirname(place), { recursive: true, mode: 0o700 })
    await syncDirectory(temporary)
    await rename(temporary, place).catch(async error => {
      if (!(await exists(place))) throw error
    })
    await syncDirectory(dirname(place))
  } catch (cause) {
    throw explainFileError(cause, place)
  } finally {
    await rm(temporary, { recursive: true, force: true })
  }
}

/** Puts packages into the store, unpacked from their archive, unless they are there as they should be. */
export async function putArchive(
  at: Layout,
  digest: Digest,
  archive: DependencyArchive,
  system: System,
): Promise<void> {
  const place = at.layer(digest)
  const waiting = (pid: number): void =>
    system.tell(`waiting for another thampi (process ${pid}) that unpacks the same packages`)
  try {
    await unpackOnce(archive.file, place, at.tmp, waiting)
  } catch (cause) {
    throw explainFileError(cause, place)
  }
}

/** Copies and hashes the same bytes, so that a file which changes meanwhile is noticed. */
async function copyChecked(file: FileEntry, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  const hash = createHash('sha256')
  const out = await open(target, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, 0o600)
  try {
    for await (const piece of createReadStream(file.source)) {
      hash.update(piece as Buffer)
      await out.writeFile(piece as Buffer)
    }
    await out.sync()
  } finally {
    await out.close()
  }
  if (`sha256:${hash.digest('hex')}` !== file.digest) {
    throw new ThampiError('INTEGRITY', {
      message: `"${file.source}" changed while it was being packed.`,
      fix: 'run the same command again',
    })
  }
  await chmod(target, file.executable ? 0o555 : 0o444)
}

/** Removes every layer that none of `used` names. */
export async function collectLayers(at: Layout, used: ReadonlySet<string>): Promise<void> {
  const store = join(at.root, 'store', 'sha256')
  for (const prefix of await readdir(store).catch(() => [])) {
    for (const hex of await readdir(join(store, prefix))) {
      if (!used.has(`sha256:${hex}`)) await removeReadOnly(join(store, prefix, hex))
    }
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
