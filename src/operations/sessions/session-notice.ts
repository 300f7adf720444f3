import { command } from '../../base/command.ts'
import type { EngineAddress } from '../../engine/engine-request.ts'
import { collect } from '../../git/collect.ts'
import { readSession } from '../../git/session-record.ts'
import { openSessionView } from '../../git/session-view.ts'

/** Fetches what a session committed, and says how to review it; nothing for a stack that is not a session. */
export async function sessionNotice(
  { address, container, stack }: { address: EngineAddress; container: string; stack: string },
  signal: AbortSignal,
): Promise<string[]> {
  const session = await readSession(stack)
  if (!session) return []
  await collect(session, { address, container, signal })
  const { commits } = await openSessionView(session, signal)
  return [renderSessionNotice(session.session, commits.length)]
}

export function renderSessionNotice(session: string, commits: number): string {
  const review = command(`review ${session}`)
  if (commits === 0) return `session ${session} has no commit yet: ${review} shows them`
  return `session ${session} has ${commits} ${commits === 1 ? 'commit' : 'commits'}: ${review} shows them, pushes them, or opens a pull request`
}
