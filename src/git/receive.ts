import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { UserError } from '../base/errors.ts'
import { lastLine, terminalLine } from '../base/terminal-text.ts'
import { readSent, type Sent } from './bundle.ts'
import { createClosedGit } from './closed-git.ts'
import { emptyQuarantine, type Quarantine } from './quarantine.ts'
import { type ReceiveLimits, receiveLimits } from './receive-limits.ts'
import type { HostRepository } from './repository.ts'
import { checkSent } from './sent-commits.ts'
import { sessionRef } from './session-names.ts'
import { readTips, type SessionTips } from './tips.ts'
import { judgeCommits } from './tree-rules.ts'

/** Below this number git writes objects one by one, as after a fetch. */
const loose = 100

/**
 * Takes the commits of a container into the repository, below `refs/claude/SESSION/`. They are unpacked and
 * judged in the quarantine first; a delivery that is refused leaves nothing in the repository. Call it under
 * the session's lock.
 *
 * @returns the tips before and after
 * @throws UserError that says what was refused; the commits stay in the container
 */
export async function receive(
  repository: HostRepository,
  quarantine: Quarantine,
  session: string,
  stream: AsyncIterable<Buffer>,
  limits = receiveLimits,
): Promise<{ before: SessionTips; after: SessionTips }> {
  const before = await readTips(repository, session)
  const sent = await readSent(stream, limits.pack)
  try {
    const range = renderRange(sent, knownOf(before))
    if (sent.objects > 0) await takePack(repository, quarantine, { sent, range }, limits)
    const after = await judgeTips(quarantine, sent, before)
    await checkSent(quarantine, range, limits.commits)
    if (sent.objects > 0) await movePack(repository, quarantine, range)
    await writeTips(repository, session, before, after)
    return { before, after }
  } finally {
    await emptyQuarantine(quarantine)
  }
}

function knownOf({ base, branch, head }: SessionTips) {
  return [base, branch, head].flatMap(tip => tip ?? [])
}

/** Renders the new commits for git's `--stdin`. */
function renderRange({ branch, head }: Sent, known: readonly string[]) {
  const tips = [...new Set([branch, head].flatMap(tip => tip ?? []))]
  return [...tips, ...known.map(tip => `^${tip}`), ''].join('\n')
}

async function takePack(
  repository: HostRepository,
  { git }: Quarantine,
  { sent, range }: { sent: Sent; range: string },
  limits: ReceiveLimits,
) {
  if (sent.objects > limits.objects) {
    throw refused(`${sent.objects} objects at once, more than ${limits.objects}`)
  }
  const input = Readable.from(sent.pack, { objectMode: false })
  const size = `--max-input-size=${limits.pack}`
  const { code, stderr } = await git.call(
    ['index-pack', '--stdin', '--fix-thin', '--strict', '--threads=1', size],
    { input },
  )
  if (code !== 0) throw refused(reasonOf(stderr))
  const reachable = await git.call(['rev-list', '--objects', '--quiet', '--stdin'], {
    input: Buffer.from(range),
  })
  if (reachable.code !== 0) throw refused('a commit lacks some of its objects')
  await judgeCommits(git, createClosedGit(repository), range, limits)
}

/** Returns the new tips. The agent names them, so they count only as commits that are there. */
async function judgeTips({ git }: Quarantine, sent: Sent, before: SessionTips) {
  for (const tip of [sent.branch, sent.head]) {
    if (tip === null) continue
    const type = await git.ask(['cat-file', '-t', tip])
    if (type !== 'commit') throw refused(`${tip.slice(0, 12)} is not a commit that was sent`)
  }
  const { branch, head } = sent
  return { base: before.base, branch, head: head === branch ? null : head }
}

/**
 * Gives what the commits reach, and nothing else of the delivery, to git in the user's repository: as its owner
 * and without any program of it.
 */
async function movePack(repository: HostRepository, { path, git }: Quarantine, range: string) {
  const written = await git.need(
    'cannot pack the commits',
    ['pack-objects', '--revs', '--quiet', join(path, 'objects/passed')],
    { input: Buffer.from(range) },
  )
  const pack = join(path, `objects/passed-${written.toString().trim()}.pack`)
  const few = (await countOf(pack)) < loose
  const command = few ? ['unpack-objects', '-q'] : ['index-pack', '--stdin', '--threads=1']
  const input = createReadStream(pack)
  await createClosedGit(repository).need('cannot store the commits', command, { input })
}

/** Returns what git found wrong in an object; else its last line. */
function reasonOf(stderr: string): string {
  const found = /^error: object [0-9a-f]+: (.{1,300})$/m.exec(stderr)?.[1]
  return found === undefined
    ? lastLine(stderr, 400) || 'git does not take the pack'
    : terminalLine(found, 300)
}

async function countOf(pack: string): Promise<number> {
  if ((await stat(pack)).size < 12) return 0
  for await (const chunk of createReadStream(pack, { start: 8, end: 11 })) {
    return (chunk as Buffer).readUInt32BE(0)
  }
  return 0
}

/** All or none. The log of each reference keeps the commits that the agent rewrote. */
async function writeTips(
  repository: HostRepository,
  session: string,
  before: SessionTips,
  after: SessionTips,
) {
  const lines = (['branch', 'head'] as const).flatMap(ref => {
    const [old, next] = [before[ref], after[ref]]
    if (old === next) return []
    const name = sessionRef(session, ref)
    return next === null
      ? [`delete ${name} ${old ?? ''}`]
      : [`update ${name} ${next} ${old ?? '0'.repeat(next.length)}`]
  })
  if (lines.length === 0) return
  const input = Buffer.from(['start', ...lines, 'prepare', 'commit', ''].join('\n'))
  await createClosedGit(repository).need(
    'cannot record the commits',
    [
      '-c',
      'core.logAllRefUpdates=always',
      'update-ref',
      '--create-reflog',
      '--no-deref',
      '--stdin',
    ],
    { input },
  )
}

function refused(why: string) {
  return new UserError(`the commits of the container were refused: ${why}`, {
    hint: 'ask Claude to change them; they stay in the container until then',
  })
}
