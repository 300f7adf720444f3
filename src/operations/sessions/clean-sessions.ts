import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { step } from '../../base/log.ts'
import { createClosedGit } from '../../git/closed-git.ts'
import { readPushed } from '../../git/pushed-commit.ts'
import { findRepository } from '../../git/repository.ts'
import { sessionRefs } from '../../git/session-names.ts'
import type { Session } from '../../git/session-record.ts'
import { readTips, removeTips } from '../../git/tips.ts'
import { removeRemains } from '../../stack/remains.ts'
import { withLock } from '../../stack/state/lock.ts'
import type { Context } from '../context.ts'
import { type FoundSession, findSession, findSessions } from './find-sessions.ts'

/**
 * Removes stopped sessions: container data, copy, record and references. Keeps those whose commits are on no branch,
 * tag or remote, unless forced. Asks before it removes any.
 */
export async function cleanSessions(
  context: Context,
  names: readonly string[],
  { force = false }: { force?: boolean },
): Promise<{ removed: string[] }> {
  const { log, confirm } = context
  const named = names.length > 0
  const found = named
    ? await Promise.all(names.map(name => findSession(context, name)))
    : await findSessions(context)
  const stopped = found.filter(({ state }) => state === null)
  const [up] = named ? found.filter(({ state }) => state !== null) : []
  if (up) {
    throw new UserError(`session ${up.session.session} is not stopped`, {
      hint: `run ${command(`session stop ${up.session.session}`)} first; nothing was removed`,
    })
  }
  const removable: FoundSession[] = []
  for (const one of stopped) {
    const left = force ? 0 : await commitsLeft(one.session)
    if (left === 0) removable.push(one)
    else {
      const commits = left === 1 ? '1 commit that is' : `${left} commits that are`
      const text = `kept ${one.session.session}: it has ${commits} on no branch; ${command(`review ${one.session.session}`)} shows them`
      log({ kind: 'warn', text })
    }
  }
  if (removable.length === 0) {
    log({ kind: 'info', text: 'no stopped session was removed' })
    return { removed: [] }
  }
  const list = removable.map(({ session }) => session.session).join(', ')
  const question = `Remove ${list}, with its copy, conversation and what was not committed there?`
  if (!force && !(await confirm(question, '-f'))) {
    log({ kind: 'info', text: 'nothing was removed' })
    return { removed: [] }
  }
  for (const { session } of removable) await remove(context, session)
  return { removed: removable.map(({ session }) => session.session) }
}

/** Counts the commits of a session that no branch, tag or remote has. */
async function commitsLeft(session: Session): Promise<number> {
  const repository = await findRepository(session.folder).catch(() => null)
  if (!repository) return 0
  const { base, branch, head } = await readTips(repository, session.session)
  const tips = [branch, head].flatMap(tip => tip ?? [])
  if (tips.length === 0) return 0
  const others = [`--exclude=${sessionRefs}*`, '--all']
  const pushed = await readPushed(session.stack)
  const known = [base, pushed].flatMap(commit => commit ?? [])
  const range = [...tips, '--not', ...others, ...known]
  const counted = await createClosedGit(repository).ask(['rev-list', '--count', ...range])
  return counted === null ? 1 : Number(counted)
}

async function remove(
  { engine, docker, log, signal }: Context,
  { session, stack, folder }: Session,
) {
  await withLock(stack, { log, signal }, () =>
    step(log, `removing session ${session}`, async () => {
      const repository = await findRepository(folder).catch(() => null)
      if (repository) await removeTips(repository, session)
      await removeRemains({ engine, docker }, stack, { log: () => {}, signal })
    }),
  )
}
