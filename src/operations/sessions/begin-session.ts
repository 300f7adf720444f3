import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { createClosedGit } from '../../git/closed-git.ts'
import { type HostRepository, isObjectId, readHead } from '../../git/repository.ts'
import { timestampName } from '../../git/session-names.ts'
import { readSession, type Session, sessionStack, writeSession } from '../../git/session-record.ts'
import { readTips, writeBase } from '../../git/tips.ts'
import { exec, execOk } from '../../process/exec.ts'
import type { Context } from '../context.ts'
import type { SessionOptions } from './session-options.ts'
import type { StartPoint } from './start-point.ts'

/** Puts the copy on its branch, and records where it began. No program of the agent runs yet. */
export async function beginSession(
  context: Context,
  repository: HostRepository,
  wanted: {
    container: string
    name: string
    options: SessionOptions
    start: StartPoint | null
  },
): Promise<Session> {
  const { container, name, options, start } = wanted
  const { docker, signal } = context
  const stack = sessionStack(repository.folder, name).name
  const branch = options.branch ?? `claude/${timestampName(new Date())}`
  const git = (args: readonly string[]) => [
    ...['exec', '--workdir', '/workspace', container, '/usr/bin/git'],
    ...['-c', 'safe.directory=*', '-c', 'core.hooksPath=/dev/null', ...args],
  ]
  const inside = { env: docker.env, signal }
  const isThere = await exec(
    docker.file,
    git(['rev-parse', '--verify', '--quiet', `refs/heads/${branch}`]),
    inside,
  )
  if (isThere.code === 0) {
    throw new UserError(`the repository has a branch ${terminalLine(branch)} already`, {
      hint: 'choose another name with --branch',
    })
  }
  // git refuses to create a branch at a commit while files of the user differ from it.
  const at = start === null ? [] : ['--discard-changes', start.commit]
  await execOk(
    docker.file,
    git(['switch', '--quiet', '--no-track', '--create', branch, ...at]),
    inside,
  )
  const { stdout } = await exec(
    docker.file,
    git(['rev-parse', '--verify', '--quiet', 'HEAD']),
    inside,
  )
  const base = start?.base ?? (isObjectId(stdout.trim()) ? stdout.trim() : null)
  if (base !== null) await recordBase(repository, name, base)
  const target = start === null ? (await readHead(repository)).branch : start.target
  await writeSession(stack, {
    ...{ version: 1, session: name, folder: repository.folder, branch, base, target },
    started: new Date().toISOString(),
    remoteBranch: start?.remoteBranch ?? null,
    pullRequest: options.pullRequest ?? null,
    mayPush: options.mayPush ?? true,
    mayOpenPullRequest: options.mayOpenPullRequest ?? true,
  })
  const session = await readSession(stack)
  if (!session) throw new Error('the record of a session disappeared')
  return session
}

async function recordBase(repository: HostRepository, name: string, base: string) {
  const type = await createClosedGit(repository).ask(['cat-file', '-t', base])
  if (type !== 'commit') {
    throw new UserError('the copy begins with a commit that the repository does not have', {
      hint: `run ${command('session start')} again when no other git command runs`,
    })
  }
  if ((await readTips(repository, name)).base !== base) await writeBase(repository, name, base)
}
