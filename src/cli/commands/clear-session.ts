import { openContext } from '../../operations/context.ts'
import { forgetConversationsHere } from '../../operations/conversations/forget.ts'
import type { Invocation } from '../invocation.ts'

export type ClearSessionOptions = { interactive?: boolean; runs?: boolean; force?: boolean }

/** Deletes the conversations of the current folder; keeps login and settings. */
export async function clearSession(options: ClearSessionOptions, invocation: Invocation) {
  const { interactive = false, runs = false, force = false } = options
  const both = interactive === runs
  await forgetConversationsHere(await openContext(invocation), {
    of: [
      ...(both || interactive ? (['sessions'] as const) : []),
      ...(both || runs ? (['runs'] as const) : []),
    ],
    force,
  })
}
