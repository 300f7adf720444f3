import { realpath } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Candidate, findStack } from '../stack/find-stack.ts'
import { stackName } from '../workspace/stack-name.ts'

/** The stack that was typed: an id, a name, the beginning of either, or a folder. */
export async function namedStack<T extends Candidate>(
  wanted: string,
  candidates: readonly T[],
  hint = './claude.ts list -a shows all',
): Promise<T> {
  const folder = await realpath(wanted).catch(() => (wanted.includes('/') ? resolve(wanted) : null))
  // By the name that this folder gives: not every stack remembers its folder.
  const ofFolder = folder === null ? [] : candidates.filter(c => c.stack === stackName(folder))
  const [only] = ofFolder
  if (only && (wanted.includes('/') || wanted === '.')) return only
  return findStack(wanted, candidates, { folder, hint })
}
