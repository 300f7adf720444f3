import { createInterface } from 'node:readline/promises'
import { UserError } from '../../base/errors.ts'
import { terminalJson } from '../../base/terminal-text.ts'
import type { CommitDetails, SessionView } from '../../git/session-view.ts'
import { openContext } from '../../operations/context.ts'
import { cleanSessions } from '../../operations/sessions/clean-sessions.ts'
import { commentToClaude } from '../../operations/sessions/comment.ts'
import { findSession } from '../../operations/sessions/find-sessions.ts'
import { stopStacks } from '../../operations/stop.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { colourPatch } from '../render/changes.ts'
import { cutPatch, renderCommit } from '../render/review.ts'
import { hasColours, isInteractive } from '../terminal.ts'
import { openView, pushAfterYes, pushAndOpen } from './publish.ts'

/** Lines of a patch that are shown before the question; `d` shows all. */
const shownLines = 300

/** Shows the commits of a session, the oldest first, and asks what to do. Only shows them without a terminal. */
export async function review(
  name: string | undefined,
  options: { json?: boolean; stat?: boolean },
  invocation: Invocation,
) {
  const view = await openView(name, invocation)
  const ids = view.commits.map(({ id }) => id).reverse()
  const { session } = view.session
  if (options.json) return console.log(terminalJson(await report(view, ids)))
  if (ids.length === 0) {
    return invocation.log({ kind: 'info', text: `session ${session} has no commit yet` })
  }
  const asks = isInteractive() && !options.stat
  for (const [index, id] of ids.entries()) {
    const commit = await view.commit(id)
    await show(view, commit, options.stat ?? false, asks)
    if (!asks) continue
    const done = await ask(view, commit, `${index + 1}/${ids.length}`, invocation)
    if (done) return
  }
  const more = `${calledAs()} push ${session} pushes them, ${calledAs()} pr ${session} opens a pull request`
  invocation.log({ kind: 'info', text: more })
}

async function report({ session, tips, commit, commits }: SessionView, ids: readonly string[]) {
  const details = []
  for (const id of ids) details.push(await commit(id))
  const { session: name, id, folder, branch, started } = session
  return {
    version: 1,
    session: { name, id, folder, branch, started, base: tips.base },
    truncated: commits.length >= 1_000,
    commits: details,
  }
}

async function show(view: SessionView, commit: CommitDetails, stat: boolean, cuts: boolean) {
  console.log(`${renderCommit(commit, hasColours(process.stdout))}\n`)
  if (stat) return
  await showPatch(view, commit, cuts ? shownLines : Number.POSITIVE_INFINITY)
}

async function showPatch(view: SessionView, { id }: CommitDetails, lines: number) {
  const { patch, truncated } = await view.diff(id)
  const { shown, rest } = cutPatch(patch, lines)
  process.stdout.write(colourPatch(shown))
  if (rest > 0) console.log(`… ${rest} more lines: d shows them`)
  if (truncated) console.log('… the patch is longer; it is not shown to its end')
}

const help = `c  continue with the next commit      d  show the whole diff
m  comment: type a message to Claude  p  push the branch
r  push and open a pull request       x  discard the session with all its commits
q  leave
`

/** Asks about a commit until the person goes on; returns true to end the review. */
async function ask(
  view: SessionView,
  commit: CommitDetails,
  count: string,
  invocation: Invocation,
): Promise<boolean> {
  const { session } = view
  const can = `c,d,m${session.mayPush ? ',p' : ''}${session.mayPush && session.mayOpenPullRequest ? ',r' : ''},x,q,?`
  for (;;) {
    const answer = await readLine(
      `(${count}) ${commit.id.slice(0, 10)}: what next? [${can}] `,
      invocation,
    )
    switch (answer?.trim().toLowerCase()) {
      case 'c':
      case '':
        return false
      case 'q':
      case undefined:
        return true
      case 'd':
        await showPatch(view, commit, Number.POSITIVE_INFINITY)
        continue
      case 'm':
        await comment(view, commit, invocation)
        continue
      case 'p':
        if (!session.mayPush) break
        await tell(invocation, async () => void (await pushAfterYes(view, {}, invocation)))
        continue
      case 'r':
        if (!session.mayPush || !session.mayOpenPullRequest) break
        await tell(invocation, () => pushAndOpen(view, {}, invocation))
        continue
      case 'x':
        if (await discard(view, invocation)) return true
        continue
      default:
    }
    process.stdout.write(help)
  }
}

/** A refused push must not end the review. */
async function tell({ log }: Invocation, work: () => Promise<void>) {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    log({ kind: 'warn', text: `${error.message}; ${error.hint}` })
  }
}

async function comment({ session }: SessionView, { id }: CommitDetails, invocation: Invocation) {
  const text = await readLine('Message to Claude: ', invocation)
  if (text === null || text.trim() === '') return
  await tell(invocation, async () => {
    const context = await openContext(invocation, session.folder)
    const found = await findSession(context, session.id)
    await commentToClaude(context, found, `About commit ${id.slice(0, 12)}: ${text}`)
    invocation.log({ kind: 'info', text: 'sent to Claude' })
  })
}

async function discard({ session, commits }: SessionView, invocation: Invocation) {
  const count = commits.length === 1 ? 'its commit' : `its ${commits.length} commits`
  const question = `Stop session ${session.session} and remove it with ${count}?`
  if (!(await invocation.confirm(question, '--force', { byDefault: false }))) return false
  const context = await openContext(invocation, session.folder)
  await stopStacks(context, { name: session.stack, force: true })
  await cleanSessions(context, [session.id], { force: true })
  return true
}

/** Reads a line from the terminal; null at the end of input. */
async function readLine(question: string, { signal }: Invocation): Promise<string | null> {
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  // Otherwise Ctrl-C would end only the question.
  terminal.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  const closed = new Promise<null>(resolve => terminal.once('close', () => resolve(null)))
  try {
    return await Promise.race([terminal.question(question, { signal }), closed])
  } finally {
    terminal.close()
  }
}
