import type { Signer } from '../credentials/signer.ts'
import type { ClosedGit } from './closed-git.ts'

/** The ids of commits that were signed, by the ids that they had before. */
export type SignedIds = Map<string, string>

export type Signed = {
  ids: SignedIds
  /** Commits in another name than the user's: written again for their parents, without a signature. */
  unsigned: string[]
}

/**
 * Writes commits again with the user's signature, which their ids are part of. Everything else of them
 * stays: tree, names, times, message, byte by byte. A signature that they had is removed, because it is
 * that of the container.
 *
 * @param git of the repository that has the commits and gets the new ones.
 * @param commits ids, each after its parents.
 * @param known ids of earlier commits of the branch that were signed.
 */
export async function signCommits(
  git: Pick<ClosedGit, 'need'>,
  { commits, signer, known }: { commits: readonly string[]; signer: Signer; known: SignedIds },
): Promise<Signed> {
  const ids: SignedIds = new Map()
  const unsigned: string[] = []
  for (const id of commits) {
    const raw = await git.need(`cannot read commit ${id}`, ['cat-file', 'commit', id])
    const commit = withParents(raw, parent => ids.get(parent) ?? known.get(parent) ?? parent)
    const own = committerMail(commit) === signer.mail
    if (!own) unsigned.push(id)
    const text = own ? withSignature(commit, await signer.sign(commit), id) : commit
    const written = await git.need(
      `cannot write commit ${id}`,
      ['hash-object', '-t', 'commit', '-w', '--stdin'],
      {
        input: text,
      },
    )
    ids.set(id, written.toString().trim())
  }
  return { ids, unsigned }
}

const blank = Buffer.from('\n\n')

/** Returns a commit with other parents, and without signatures. A line that begins with a space continues. */
function withParents(raw: Buffer, of: (parent: string) => string): Buffer {
  const end = raw.indexOf(blank)
  // One character for each byte, so that a name that is not UTF-8 stays.
  const lines = raw.toString('latin1', 0, end).split('\n')
  let dropped = false
  const kept = lines.flatMap(line => {
    if (line.startsWith(' ')) return dropped ? [] : [line]
    dropped = /^gpgsig(-sha256)? /.test(line)
    if (dropped) return []
    const [, parent] = /^parent ([0-9a-f]{40,64})$/.exec(line) ?? []
    return parent === undefined ? [line] : [`parent ${of(parent)}`]
  })
  return Buffer.concat([Buffer.from(kept.join('\n'), 'latin1'), raw.subarray(end)])
}

function committerMail(commit: Buffer): string {
  const head = commit.toString('utf8', 0, commit.indexOf(blank))
  return /^committer .*<([^<>\n]*)> \d+ [+-]\d{4}$/m.exec(head)?.[1] ?? ''
}

/** A repository with ids of SHA-256 has a header of its own for signatures. */
function withSignature(commit: Buffer, signature: string, id: string): Buffer {
  const name = id.length === 64 ? 'gpgsig-sha256' : 'gpgsig'
  const end = commit.indexOf(blank) + 1
  const header = `${name} ${signature.replaceAll('\n', '\n ')}\n`
  return Buffer.concat([commit.subarray(0, end), Buffer.from(header), commit.subarray(end)])
}
