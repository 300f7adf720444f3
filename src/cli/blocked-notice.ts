import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import { checkoutRoot } from '../config/paths.ts'
import { inForce } from '../egress/allowlist.ts'
import { createBlockedNames, renderBlocked } from '../egress/blocked-names.ts'
import { parseAccessDecision } from '../egress/proxy-log.ts'
import { createEngine } from '../engine/engine.ts'
import { readAllowlist } from '../operations/policy/allowlist-file.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import type { EndedSession } from './ended-session.ts'
import { renderMessage } from './render/message.ts'

/**
 * The names that the agent was refused during a session, with the command that opens them. What has
 * been told once, after this session or one beside it, is not told again.
 */
export async function blockedNotice(
  { address, stack, since }: EndedSession,
  signal: AbortSignal,
): Promise<string[]> {
  const told = join(stateFolder(stack).path, 'blocked-told')
  const before = Number(await readFile(told, 'utf8').catch(() => 0)) || 0
  const from = new Date(Math.max(since.getTime(), before * 1000))
  const { lines, last } = await blockedSince({ address, stack, from }, signal)
  if (last > 0) {
    await mkdir(join(told, '..'), { recursive: true, mode: 0o700 })
    await writeFile(told, String(last), { mode: 0o600 })
  }
  return lines
}

/** The names that were refused from a moment on, and when the last was: seconds, 0 when none was. */
export async function blockedSince(
  { address, stack, from }: Pick<EndedSession, 'address' | 'stack'> & { from: Date },
  signal: AbortSignal,
): Promise<{ lines: string[]; last: number }> {
  const since = from.getTime() / 1000
  const blocked = createBlockedNames()
  let last = 0
  const options = { tail: 'all', follow: false, since, signal } as const
  await createEngine(address).followLog(`${stack}-proxy-1`, options, line => {
    // Most lines tell of what was let through; parsing each would take its time.
    if (!line.includes('"denied"')) return
    const decision = parseAccessDecision(line)
    if (!decision || decision.ts <= since) return
    blocked.add(decision)
    last = Math.max(last, decision.ts)
  })
  const { agent, gateway, login } = readAllowlist(checkoutRoot())
  const open = inForce(agent, new Date())
  const lines = renderBlocked(blocked.names(open, [...gateway, ...login]))
  return { lines: lines.map(line => renderMessage(line)), last }
}
