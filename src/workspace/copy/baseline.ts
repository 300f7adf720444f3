import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { UserError } from '../../errors.ts'
import { Entry, type Tree } from './entry.ts'

const Baseline = z.strictObject({
  version: z.literal(1),
  /** When the copy was taken, ISO 8601. */
  taken: z.string(),
  entries: z.array(z.tuple([z.string(), Entry])),
})

/** The workspace as it was when the copy was taken. */
export type Baseline = { taken: string; tree: Tree }

export function renderBaseline(baseline: Baseline): string {
  return JSON.stringify({ version: 1, taken: baseline.taken, entries: [...baseline.tree] })
}

/** The baseline in `path`, or null when no copy was taken yet. */
export async function readBaseline(path: string): Promise<Baseline | null> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null
    throw error
  })
  if (text === null) return null
  try {
    const { taken, entries } = Baseline.parse(JSON.parse(text))
    return { taken, tree: new Map(entries) }
  } catch (cause) {
    throw new UserError(`${path} is damaged, so what the agent changed cannot be told`, {
      hint: './claude.ts shell still shows the copy; start --fresh-copy takes a new one',
      cause,
    })
  }
}
