import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import { command } from '../../base/command.ts'
import { isMissing, UserError } from '../../base/errors.ts'
import { IgnoreRules, noIgnoreRules } from '../ignore/rules.ts'
import { Entry, type Tree } from './entry.ts'
import type { CopyOwner } from './record.ts'

const Baseline = z.union([
  z.strictObject({
    version: z.literal(2),
    /** Time of the copy, ISO 8601. */
    taken: z.string(),
    /** Absent in copies of versions that knew one owner, 1000. */
    owner: z.strictObject({ uid: z.number(), gid: z.number() }).optional(),
    entries: z.array(z.tuple([z.string(), Entry])),
    leftOut: z.array(z.string()),
    rules: IgnoreRules,
  }),
  // Written by versions that copied everything.
  z.strictObject({
    version: z.literal(1),
    taken: z.string(),
    entries: z.array(z.tuple([z.string(), Entry])),
  }),
])

/** The state of the workspace when the copy was made. */
export type Baseline = {
  taken: string
  /** Owner of the files in the copy. */
  owner?: CopyOwner | undefined
  tree: Tree
  /** Files and folders (with a slash) of the host that are not in the copy. */
  leftOut: readonly string[]
  /** The rules that left them out. */
  rules: IgnoreRules
}

export function renderBaseline({ taken, owner, tree, leftOut, rules }: Baseline): string {
  return JSON.stringify({ version: 2, taken, owner, entries: [...tree], leftOut, rules })
}

/** Reads the baseline in `path`; null when no copy was made yet. */
export async function readBaseline(path: string): Promise<Baseline | null> {
  const text = await readFile(path, 'utf8').catch(error => {
    if (isMissing(error)) return null
    throw error
  })
  if (text === null) return null
  try {
    const baseline = Baseline.parse(JSON.parse(text))
    const { taken, entries } = baseline
    const { leftOut, rules } =
      baseline.version === 1 ? { leftOut: [], rules: noIgnoreRules } : baseline
    const owner = baseline.version === 2 ? baseline.owner : undefined
    return { taken, ...(owner && { owner }), tree: new Map(entries), leftOut, rules }
  } catch (cause) {
    throw new UserError(`${path} is damaged: the agent's changes cannot be determined`, {
      hint: `run ${command('shell')} to look at the copy, or ${command('start --fresh-copy')} to make a new one`,
      cause,
    })
  }
}
