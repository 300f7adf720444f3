import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import type { Commit } from '../../git/commits.ts'
import { openSessionView, type SessionView } from '../../git/session-view.ts'
import { openEngine } from '../../operations/context.ts'
import { type Destination, destinationOf } from '../../operations/sessions/destination.ts'
import { collectFrom, findSession } from '../../operations/sessions/find-sessions.ts'
import { proposeMessage } from '../../operations/sessions/propose-message.ts'
import {
  openPullRequest,
  type PullRequestText,
  type Pushed,
  pushSession,
} from '../../operations/sessions/publish.ts'
import { type RequestTarget, targetOf } from '../../operations/sessions/request-target.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { calledAs } from '../called-as.ts'
import { editText } from '../edit-text.ts'
import type { Invocation } from '../invocation.ts'
import { renderFinding } from '../render/review.ts'
import { isInteractive } from '../terminal.ts'

export type PushOptions = {
  remote?: string
  branch?: string
  /** Replaces commits that the remote's branch has and the session does not. */
  force?: boolean
  /** Signs the commits with the user's key. */
  sign?: boolean
  yes?: boolean
  json?: boolean
}

export type PullRequestOptions = PushOptions & {
  title?: string
  body?: string
  base?: string
  draft?: boolean
  /** The remote whose repository gets it. */
  into?: string
}

/** Pushes the branch of a session after a yes. */
export async function pushCommand(
  name: string | undefined,
  options: PushOptions,
  invocation: Invocation,
) {
  const view = await openView(name, invocation)
  const done = await pushAfterYes(view, options, invocation)
  if (done === null) return
  const { outcome, branch, commit, before } = done
  if (options.json) console.log(terminalJson({ version: 1, outcome, branch, commit, before }))
}

/** Pushes the branch of a session and opens a pull request, after a yes. */
export async function pullRequestCommand(
  name: string | undefined,
  options: PullRequestOptions,
  invocation: Invocation,
) {
  const view = await openView(name, invocation)
  await pushAndOpen(view, options, invocation)
}

/** Fetches what a session has, and opens its commits. */
export async function openView(
  name: string | undefined,
  invocation: Invocation,
): Promise<SessionView> {
  const context = await openEngine(invocation)
  const found = await findSession(context, name)
  await collectFrom(context, found).catch(error => {
    const text = `session ${found.session.session}: ${terminalLine(String(error), 400)}`
    invocation.log({ kind: 'warn', text })
  })
  return openSessionView(found.session, invocation.signal)
}

/** Pushes what the view shows; null when the person said no. `also` says what else the yes is for. */
export async function pushAfterYes(
  view: SessionView,
  options: PushOptions,
  invocation: Invocation,
  also: (destination: Destination) => Promise<string> = async () => '',
): Promise<(Pushed & { destination: Destination }) | null> {
  const { session, tips, pushed, unlisted } = view
  const commits = view.commits.filter(({ onBranch }) => onBranch)
  const { branch: commit } = tips
  if (commit === null || commits.length === 0) {
    throw new UserError(`session ${session.session} has no commit to push`, {
      hint: `ask Claude to commit, then run ${calledAs()} push ${session.session} again`,
    })
  }
  const destination = await destinationOf(session, options, invocation.signal)
  const more = await also(destination)
  const count = pushed === 1 ? '1 commit' : `${pushed} commits`
  const where = `${terminalLine(destination.remote, 60)}, branch ${terminalLine(destination.branch, 100)}`
  if (!options.yes) {
    await warnOfFindings(view, commits, invocation)
    if (unlisted > 0) {
      const text = `the ${unlisted} oldest commits are not listed: git log ${commit.slice(0, 12)} shows them`
      invocation.log({ kind: 'warn', text })
    }
    const question = `Push ${count} to ${where}${more}?`
    if (!(await invocation.confirm(question, '--yes', { byDefault: false }))) {
      invocation.log({ kind: 'info', text: 'nothing was pushed' })
      return null
    }
  }
  const { force = false, sign = false } = options
  const { signal } = invocation
  const done = await pushSession(session, destination, commit, { force, sign, signal })
  const said = done.outcome === 'unchanged' ? 'is there already' : `was ${done.outcome}`
  invocation.log({ kind: 'info', text: `${where} ${said}: ${done.commit.slice(0, 12)}` })
  for (const text of done.messages) invocation.log({ kind: 'info', text: `remote: ${text}` })
  return { ...done, destination }
}

/** Maximum number of commits that are searched before a push, and of findings that are shown of each. */
const [searched, shown] = [200, 20]

async function warnOfFindings(view: SessionView, commits: readonly Commit[], { log }: Invocation) {
  for (const { id } of commits.slice(0, searched)) {
    const { findings } = await view.commit(id)
    const warn = (text: string) => log({ kind: 'warn', text: `${id.slice(0, 10)} ${text}` })
    for (const finding of findings.slice(0, shown)) warn(renderFinding(finding).slice(2))
    if (findings.length > shown) warn(`and ${findings.length - shown} more findings`)
  }
  const left = view.pushed - searched
  if (left > 0) log({ kind: 'warn', text: `the ${left} oldest commits were not searched` })
}

/** Pushes and opens a pull request, whose message the person may change first. */
export async function pushAndOpen(
  view: SessionView,
  options: PullRequestOptions,
  invocation: Invocation,
) {
  const text = await messageOf(view, options)
  const { session } = view
  const { signal } = invocation
  let target: RequestTarget | undefined
  const pushed = await pushAfterYes(view, options, invocation, async destination => {
    target = await targetOf(session, destination, { into: options.into, signal })
    const { fork, forge } = target
    return fork ? `, and open a ${forge.word} in ${terminalLine(forge.repository, 200)}` : ''
  })
  if (pushed === null) return
  const { pullRequest, opened, word } = await openPullRequest(session, pushed.destination, text, {
    signal,
    ...(target && { target }),
  })
  const { number, url } = pullRequest
  if (options.json) return console.log(terminalJson({ version: 1, opened, number, url }))
  invocation.log({
    kind: 'info',
    text: opened ? `opened ${word} ${number}` : `${word} ${number} is open already`,
  })
  console.log(terminalLine(url, 1_000))
}

async function messageOf(
  { session, commits }: SessionView,
  { title, body, base, draft, yes }: PullRequestOptions,
): Promise<PullRequestText> {
  const proposed = proposeMessage(
    commits.filter(({ onBranch }) => onBranch),
    session.branch,
  )
  const given = { title: title ?? proposed.title, body: body ?? proposed.body }
  const more = { ...(base !== undefined && { base }), ...(draft && { draft }) }
  if (title !== undefined || yes || !isInteractive()) return { ...given, ...more }
  const help = '# The first line is the title. Lines that begin with # are removed.\n'
  const text = `${given.title}\n\n${given.body}\n${help}`
  const edited = await editText(text, stateFolder(session.stack).path)
  if (edited === null) return { ...given, ...more }
  const [first = '', ...rest] = edited.trim().split('\n')
  if (first.trim() === '') {
    throw new UserError('the message is empty, and nothing was pushed', {
      hint: 'write a title in its first line',
    })
  }
  return { title: first.trim(), body: rest.join('\n').trim(), ...more }
}
