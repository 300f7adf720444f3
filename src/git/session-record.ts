import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import { command } from '../base/command.ts'
import { isMissing, messageOf, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { stackOwner } from '../config/environment.ts'
import { stateRoot } from '../config/paths.ts'
import { replaceFile } from '../files/replace-file.ts'
import { isStackName, type StackIdentity, stackId, stackIdentity } from '../stack/identity.ts'
import { stateFolder } from '../stack/state/state-folder.ts'

const Commit = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)

/** What `session start` decided, in the state folder of the session's stack. */
const SessionRecord = z.strictObject({
  version: z.literal(1),
  /** Name within its folder. */
  session: z.string(),
  /** Real path on the host. */
  folder: z.string(),
  /** The branch that the agent works on in its copy. */
  branch: z.string(),
  /** The commit it began with; null in a repository without commits. */
  base: Commit.nullable(),
  /** The branch that was checked out then: the target of a pull request. */
  target: z.string().nullable(),
  /** ISO 8601. */
  started: z.string(),
  /** Remote branch to push to, in place of `branch`. */
  remoteBranch: z.string().nullable(),
  /** Number of the pull request that it works on. */
  pullRequest: z.int().positive().nullable(),
  /** False after `--no-push` and `--no-pr`: `review` does not offer it. */
  mayPush: z.boolean(),
  mayOpenPullRequest: z.boolean(),
})
export type SessionRecord = z.infer<typeof SessionRecord>

/** A git session: a stack on a copy of a repository, with a branch of its own. */
export type Session = SessionRecord & { stack: string; id: string }

/** Returns the identity of a session's stack. `folder` is a real path. */
export function sessionStack(folder: string, session: string): StackIdentity {
  const owner = stackOwner()
  const identity = stackIdentity({ kind: 'session', folder, session })
  return owner === undefined ? identity : { ...identity, owner }
}

const placeOf = (stack: string, root?: string) =>
  join(stateFolder(stack, root).path, 'session.json')

/** Stores the record of a session; its state folder exists. */
export async function writeSession(stack: string, record: SessionRecord): Promise<void> {
  await replaceFile(placeOf(stack), JSON.stringify(SessionRecord.parse(record)))
}

/** Returns a session; null when the stack is not one. */
export async function readSession(stack: string, root = stateRoot()): Promise<Session | null> {
  const place = placeOf(stack, root)
  try {
    const record = SessionRecord.parse(JSON.parse(await readFile(place, 'utf8')))
    return { ...record, stack, id: stackId(stack) }
  } catch (cause) {
    if (isMissing(cause)) return null
    throw new UserError(`${terminalLine(place)} is damaged: ${messageOf(cause)}`, {
      hint: `run ${command(`clean ${stackId(stack)}`)} to remove that session`,
      cause,
    })
  }
}

/** Returns the sessions of this user, the newest first; with `folder` only those of that folder. */
export async function listSessions({
  folder,
  root = stateRoot(),
}: {
  folder?: string
  root?: string
} = {}): Promise<Session[]> {
  const names = (await readdir(join(root, 'stacks')).catch(() => [])).filter(isStackName)
  const found = await Promise.all(names.map(name => readSession(name, root)))
  return found
    .flatMap(session => session ?? [])
    .filter(session => folder === undefined || session.folder === folder)
    .sort((a, b) => (a.started < b.started ? 1 : -1))
}

/**
 * Returns the session that a person named: by id, by the name of its stack, by its own name or the beginning of
 * one of them. Without a name the only one of `sessions`.
 */
export function chooseSession(wanted: string | undefined, sessions: readonly Session[]): Session {
  const named = (test: (name: string) => boolean) =>
    sessions.filter(({ session, stack, id }) => [session, stack, id].some(test))
  const exact = wanted === undefined ? [] : named(name => name === wanted)
  const found =
    wanted === undefined
      ? sessions
      : exact.length > 0
        ? exact
        : named(name => wanted !== '' && name.startsWith(wanted))
  const [first] = found
  if (first && found.length === 1) return first
  const list = sessions.map(({ session }) => session).slice(0, 10)
  if (sessions.length === 0) {
    throw new UserError('this folder has no session', {
      hint: `run ${command('session start')} to begin one`,
    })
  }
  const shown = terminalLine(wanted ?? '')
  const problem =
    wanted === undefined
      ? `this folder has ${sessions.length} sessions`
      : first
        ? `${shown} matches ${found.length} sessions`
        : `no session is called ${shown || "''"}`
  throw new UserError(problem, { hint: `name one of these: ${list.join(', ')}`, exitCode: 2 })
}
