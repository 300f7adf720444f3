import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** What a copy began with; there once one was taken. */
export function baselinePath(state: { path: string }): string {
  return join(state.path, 'baseline.json')
}

/** When the copy was taken, from the beginning of its baseline: the whole is as large as the folder is wide. */
export async function readTaken(baseline: string): Promise<string | null> {
  const file = await open(baseline, 'r').catch(() => null)
  if (!file) return null
  try {
    const head = Buffer.alloc(128)
    await file.read(head, 0, head.length, 0)
    return /^\{"version":\d+,"taken":"([0-9TZ:.-]+)"/.exec(head.toString('latin1'))?.[1] ?? null
  } finally {
    await file.close()
  }
}
