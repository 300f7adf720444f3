import { UserError } from '../base/errors.ts'
import { createClosedGit, type GitPlace } from './closed-git.ts'
import { isObjectId } from './repository.ts'
import { type SessionRef, sessionRef, sessionRefs } from './session-names.ts'

/** The commits of a session in the user's repository. */
export type SessionTips = Record<SessionRef, string | null>

/** Returns the commits that a session's references name. */
export async function readTips(place: GitPlace, session: string): Promise<SessionTips> {
  const git = createClosedGit(place)
  const folder = sessionRef(session, 'base').replace(/\/base$/, '')
  const format = '--format=%(refname) %(objectname)'
  const listed = await git.need('cannot read the references', [
    'for-each-ref',
    format,
    `${folder}/`,
  ])
  const found = new Map(
    listed
      .toString()
      .split('\n')
      .map((line): [string, string] => {
        const [name = '', id = ''] = line.split(' ')
        return [name, id]
      }),
  )
  const tip = (ref: SessionRef) => {
    const id = found.get(sessionRef(session, ref))
    return id !== undefined && isObjectId(id) ? id : null
  }
  return { base: tip('base'), branch: tip('branch'), head: tip('head') }
}

/** Records the commit that a session begins with; refuses a name that the repository has already. */
export async function writeBase(place: GitPlace, session: string, base: string): Promise<void> {
  const git = createClosedGit(place)
  const name = sessionRef(session, 'base')
  const input = Buffer.from(`create ${name} ${base}\n`)
  const { code } = await git.call(['update-ref', '--no-deref', '--stdin'], { input })
  if (code === 0) return
  throw new UserError(`the repository has a session ${session} already`, {
    hint: 'choose another name with --name',
  })
}

/** Removes the references of a session; its commits stay for a while, as git keeps what nothing names. */
export async function removeTips(place: GitPlace, session: string): Promise<void> {
  const git = createClosedGit(place)
  const tips = await readTips(place, session)
  const names = (['base', 'branch', 'head'] as const).filter(ref => tips[ref] !== null)
  const lines = names.map(ref => `delete ${sessionRef(session, ref)} ${tips[ref]}\n`)
  if (lines.length === 0) return
  const input = Buffer.from(lines.join(''))
  await git.need('cannot remove the references', ['update-ref', '--no-deref', '--stdin'], { input })
}

/** Returns the names of sessions that have references in a repository. */
export async function sessionsOf(place: GitPlace): Promise<Set<string>> {
  const listed = await createClosedGit(place).ask([
    'for-each-ref',
    '--format=%(refname)',
    sessionRefs,
  ])
  return new Set((listed ?? '').split('\n').flatMap(name => name.split('/')[2] ?? []))
}
