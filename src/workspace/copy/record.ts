import { join } from 'node:path'
import { readRegularFile } from '../../files/regular-file.ts'

export type CopyOwner = { uid: number; gid: number }

/** Returns the path of the baseline, which exists once a copy was taken. */
export function baselinePath(state: { path: string }): string {
  return join(state.path, 'baseline.json')
}

/** When a copy was taken, and for whom. */
export type CopyRecord = { taken: string; owner: CopyOwner | null }

/**
 * Returns the record of a copy; null when none was taken. Reads only the beginning: a baseline lists every
 * file.
 */
export async function readCopyRecord(path: string): Promise<CopyRecord | null> {
  const head = await readRegularFile(path, { limit: 128, part: 'head' }).catch(() => null)
  if (head?.kind !== 'bytes') return null
  const text = head.bytes.toString('latin1')
  const [, taken, uid, gid] =
    /^\{"version":\d+,"taken":"([0-9TZ:.-]+)"(?:,"owner":\{"uid":([1-9]\d*),"gid":(\d+)\})?/.exec(
      text,
    ) ?? []
  if (taken === undefined) return null
  return { taken, owner: uid === undefined ? null : { uid: Number(uid), gid: Number(gid) } }
}
