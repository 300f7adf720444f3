import { command } from '../base/command.ts'
import { messageOf, UserError } from '../base/errors.ts'
import { terminalLine, terminalText } from '../base/terminal-text.ts'
import { readSession, type Session } from '../git/session-record.ts'
import { openSessionView, type SessionView } from '../git/session-view.ts'
import { watchSession } from '../git/watch.ts'
import { type Caller, type EngineContext, openContext } from '../operations/context.ts'
import { cleanSessions } from '../operations/sessions/clean-sessions.ts'
import { commentToClaude } from '../operations/sessions/comment.ts'
import { destinationOf } from '../operations/sessions/destination.ts'
import { proposeMessage } from '../operations/sessions/propose-message.ts'
import { openPullRequest, pushSession } from '../operations/sessions/publish.ts'
import { stopStacks } from '../operations/stop.ts'
import { inspectStack, serviceOf } from '../stack/inspect.ts'
import { serviceOfSessions } from '../stack/services.ts'
import type { CommitDetailsView, CommitsView, ReviewRequest } from './messages.ts'
import type { WebSources } from './sources.ts'

/** Creates the part of the sources that is about git sessions: their commits, and what a review leads to. */
export function createSessionSource(
  context: EngineContext,
): Pick<WebSources, 'commits' | 'commit' | 'review'> {
  const { engine, signal } = context
  const find = async (stack: string): Promise<Session> => {
    const session = await readSession(stack)
    if (session) return session
    throw new UserError(`${terminalLine(stack, 80)} is not a git session`, {
      hint: `run ${command('session start')} in a repository`,
    })
  }
  const placeOf = async (stack: string) => {
    const state = await inspectStack(engine, stack)
    const service = state && serviceOf(state, serviceOfSessions)
    return service?.state === 'running' ? { state, container: service.container } : null
  }

  return {
    async commits(stack, { onCommits, onTrouble, signal: gone }) {
      const session = await readSession(stack)
      if (!session) return
      const both = AbortSignal.any([signal, gone])
      const show = async () => onCommits(viewOf(await openSessionView(session, both)))
      const showOrSay = () =>
        show().catch((error: unknown) => {
          if (!both.aborted) onTrouble(terminalLine(messageOf(error), 400))
        })
      await showOrSay()
      const place = await placeOf(stack)
      if (!place) return
      const at = { address: engine.address, container: place.container, signal: both }
      await watchSession(session, at, event => {
        if (event.kind === 'refused') onTrouble(terminalLine(event.message, 400))
        if (event.kind === 'collected') void showOrSay()
      })
    },

    async commit(stack, id) {
      return detailsOf(await openSessionView(await find(stack), signal), id)
    },

    async review(request) {
      const session = await find(request.stack)
      return act(session, request, context)
    },
  }
}

async function act(session: Session, request: ReviewRequest, caller: Caller): Promise<string[]> {
  switch (request.action) {
    case 'push':
      return (await pushSeen(session, request, caller)).notices
    case 'pull-request': {
      if (!session.mayOpenPullRequest) throw notAllowed(session, 'open a pull request')
      const { notices, destination } = await pushSeen(session, request, caller)
      const { title, body } = request
      const { signal } = caller
      const opened = await openPullRequest(session, destination, { title, body }, { signal }).catch(
        error => {
          throw afterPush(error, notices)
        },
      )
      const { number, url } = opened.pullRequest
      return [...notices, terminalLine(`${opened.word} ${number}: ${url}`, 1_000)]
    }
    case 'comment': {
      const context = await openContext(caller, session.folder)
      const state = await inspectStack(context.engine, session.stack)
      const about = request.id === null ? '' : `About commit ${request.id.slice(0, 12)}: `
      await commentToClaude(context, { session, state }, `${about}${request.text}`)
      return []
    }
    case 'discard': {
      const context = await openContext(caller, session.folder)
      await stopStacks(context, { name: session.stack, force: true })
      await cleanSessions(context, [session.id], { force: true })
      return []
    }
    default:
      return request satisfies never
  }
}

/** Pushes the commits that the user saw; refuses when the agent has made others since. */
async function pushSeen(
  session: Session,
  { tip, branch }: { tip: string; branch?: string | undefined },
  { signal }: Pick<Caller, 'signal'>,
) {
  if (!session.mayPush) throw notAllowed(session, 'push')
  const { tips, unlisted } = await openSessionView(session, signal)
  if (tips.branch !== tip) {
    throw new UserError('the branch has changed since you looked at it', {
      hint: 'look at its newest commits, then push again',
    })
  }
  if (unlisted > 0) {
    throw new UserError(`the page does not list ${unlisted} commits of the branch`, {
      hint: `run ${command('push')} in a terminal, which says what it takes`,
    })
  }
  const destination = await destinationOf(session, { branch }, signal)
  const { outcome, messages } = await pushSession(session, destination, tip, { signal })
  const where = `${destination.remote}, ${destination.branch}: ${outcome}`
  // The outcome last: the page shows the last few, and a forge says as much as it likes.
  const notices = [...messages.map(text => `remote: ${text}`), where]
  return { destination, notices: notices.map(text => terminalLine(text, 400)) }
}

/** Says that the commits have left all the same. */
function afterPush(error: unknown, notices: readonly string[]): unknown {
  if (!(error instanceof UserError)) return error
  const { message, hint } = error
  return new UserError(`${notices.at(-1)}, but ${message}`, { hint, cause: error })
}

function notAllowed({ session }: Session, what: string) {
  return new UserError(`session ${terminalLine(session, 60)} was started not to ${what}`, {
    hint: `run ${command('push')} or ${command('pr')} in a terminal if you want it`,
  })
}

function viewOf({ session, tips, commits, unlisted }: SessionView): CommitsView {
  const onBranch = commits.filter(commit => commit.onBranch)
  return {
    branch: terminalLine(session.remoteBranch ?? session.branch),
    tip: tips.branch,
    commits: commits.map(({ id, subject, author, at, onBranch }) => ({
      id,
      subject: terminalLine(subject, 300),
      author: terminalLine(author.name, 100),
      at,
      onBranch,
    })),
    unlisted,
    mayPush: session.mayPush,
    mayOpenPullRequest: session.mayPush && session.mayOpenPullRequest,
    ...proposeMessage(onBranch, session.branch),
  }
}

async function detailsOf(view: SessionView, wanted: string): Promise<CommitDetailsView> {
  const [{ id, subject, body, files, more, findings }, { patch, truncated }] = await Promise.all([
    view.commit(wanted),
    view.diff(wanted),
  ])
  return {
    id,
    message: terminalText(body === '' ? subject : `${subject}\n\n${body}`),
    files: files.map(({ path, kind, insertions, deletions }) => ({
      path: terminalLine(path, 1_000),
      ...{ kind, insertions, deletions },
    })),
    more,
    findings: findings.map(({ kind, path, detail, line }) => ({
      ...{ kind, detail, line: line ?? null },
      path: terminalLine(path, 1_000),
    })),
    patch,
    truncated,
  }
}
