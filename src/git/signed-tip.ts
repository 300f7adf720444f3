import { UserError } from '../base/errors.ts'
import type { Signer } from '../credentials/signer.ts'
import { readRegularFile, textOf } from '../files/regular-file.ts'
import { replaceFile } from '../files/replace-file.ts'
import { createClosedGit, type GitPlace } from './closed-git.ts'
import { type SignedIds, signCommits } from './sign-commits.ts'

/** The most commits that are signed at once: each may need a touch of a key. */
const mostCommits = 1_000
const recordBytes = 4 * 1024 * 1024

/** A commit that has the user's signature, as have those below it. */
export type SignedTip = {
  tip: string
  /** Commits in another name than the user's, which have no signature. */
  unsigned: readonly string[]
}

/**
 * Returns the commit that takes the place of `tip` with the user's signatures on all commits above `base`.
 * Those that were signed before keep their ids, so that a later push needs no force.
 *
 * @param record file with the ids of earlier calls; only the user may write it.
 */
export async function signedTip(
  place: GitPlace,
  options: { base: string | null; tip: string; signer: Signer; record: string },
): Promise<SignedTip> {
  const { base, tip, signer, record } = options
  const git = createClosedGit(place)
  const listed = await git.need('cannot list the commits to sign', [
    ...['rev-list', '--reverse', '--topo-order', `--max-count=${mostCommits + 1}`, tip],
    ...(base === null ? [] : [`^${base}`]),
  ])
  const commits = listed.toString().split('\n').filter(Boolean)
  if (commits.length > mostCommits) {
    throw new UserError(`more than ${mostCommits} commits are not signed yet`, {
      hint: 'push without signatures, or squash the commits first',
    })
  }
  const known = await readIds(record)
  const present: SignedIds = new Map()
  const fresh: string[] = []
  for (const id of commits) {
    const signed = known.get(id)
    // A commit that no reference names may have been removed by git gc.
    if (signed && (await git.ask(['cat-file', '-t', signed])) === 'commit') present.set(id, signed)
    else fresh.push(id)
  }
  const { ids, unsigned } = await signCommits(git, { commits: fresh, signer, known: present })
  await writeIds(record, new Map([...known, ...ids]))
  return { tip: ids.get(tip) ?? present.get(tip) ?? tip, unsigned }
}

const line = /^([0-9a-f]{40}|[0-9a-f]{64}) ([0-9a-f]{40}|[0-9a-f]{64})$/

async function readIds(path: string): Promise<SignedIds> {
  const file = await readRegularFile(path, { limit: recordBytes }).catch(() => null)
  const text = (file && textOf(file)) ?? ''
  return new Map(
    text.split('\n').flatMap((written): [string, string][] => {
      const [, id, signed] = line.exec(written) ?? []
      return id === undefined || signed === undefined ? [] : [[id, signed]]
    }),
  )
}

async function writeIds(path: string, ids: SignedIds): Promise<void> {
  const text = [...ids].map(([id, signed]) => `${id} ${signed}\n`).join('')
  await replaceFile(path, text, { mode: 0o600 })
}
