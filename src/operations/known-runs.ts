import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { parseJson } from '../base/json.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import type { KnownRun } from '../usage/report.ts'

const Result = z.object({
  runId: z.string().regex(/^[0-9a-f]{16}$/),
  meter: z.string(),
  workspace: z.string(),
  startedAt: z.string(),
})

const resultBytes = 64 * 1024 * 1024

/** Returns the runs in the stack's store that ended and have a meter; unreadable runs are left out. */
export async function knownRuns(folder: string): Promise<KnownRun[]> {
  const names = await readdir(folder).catch(() => [])
  const runs: KnownRun[] = []
  for (const name of names) {
    const text = await readResult(join(folder, name, 'result.json')).catch(() => '')
    const parsed = Result.safeParse(parseJson(text))
    if (parsed.success) runs.push(parsed.data)
  }
  return runs.sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1))
}

async function readResult(path: string): Promise<string> {
  return textOf(await readRegularFile(path, { limit: resultBytes })) ?? ''
}
