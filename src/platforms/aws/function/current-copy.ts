/**
 * `model/current/` in the bucket: where the original kept the one model it had, for programs that still read it there. A
 * courtesy: it is written when traffic has moved, and never read by us, for versions have files of their own.
 */
import type { Bundle } from '../../../bundle/bundle.ts'
import { filesOf } from '../../../bundle/lambda/function-zip.ts'
import type { Weights } from '../../platform.ts'
import type { Corner } from '../account.ts'
import { readRecord } from '../bucket/records.ts'
import { AwsError } from '../client/trouble.ts'
import type { Blob } from './ensure-layer.ts'

/** More S3 does not copy in one call, and nobody who reads that key from 2018 has as much memory. */
const maxCopiedBytes = 5_000_000_000

/**
 * The file that the copy is made of; undefined for models that the original could not have had. To be copied again after
 * each rollback, it has to lie in the bucket, also when the function has one of its own.
 */
export function pickleOf(bundle: Bundle): Blob | undefined {
  const file = filesOf(bundle, 'model').find(({ path }) => path === 'model.pkl')
  return file && file.size <= maxCopiedBytes ? { ...file, bytes: file.size } : undefined
}

/** The copy becomes that of the version with the most traffic. That it cannot be made is no reason to call traffic unmoved. */
export async function copyCurrent(corner: Corner, weights: Weights): Promise<void> {
  const { store, names, system } = corner
  const [main] = [...weights].sort(([, a], [, b]) => b - a).map(([number]) => number)
  if (main === undefined) return
  try {
    const { pickle, version } = (await readRecord(corner, main)) ?? {}
    // What is not the current model is not to be found there.
    if (pickle === undefined || version === undefined) return await removeCurrent(corner)
    await store.copyBlob(pickle, names.currentKeys.model)
    await store.put(names.currentKeys.properties, {
      ...version.properties,
      served_time_utc: version.servedTimeUtc,
    })
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    system.tell(`s3://${store.bucket}/${names.currentKeys.model} is not the current model: ${error.message}`)
  }
}

export async function removeCurrent({ store, names }: Corner): Promise<void> {
  const wanted = Object.values(names.currentKeys)
  for (const key of await store.list(`${names.prefix}model/current/`))
    if (wanted.includes(key)) await store.remove(key)
}
