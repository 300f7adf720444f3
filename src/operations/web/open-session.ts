import { prepareDetached, startDetached } from '../../engine/container-exec.ts'
import { createExec, type TerminalSize } from '../../engine/terminal-exec.ts'
import { openTerminalStream, type TerminalStream } from '../../engine/terminal-stream.ts'
import { createC1Remover } from '../../engine/without-c1.ts'
import type { RunningAgent } from '../../stack/inspect.ts'
import { needsNothing, sessionHalves } from '../../stack/session-halves.ts'

/** The terminal of the page, xterm.js. */
const env = ['TERM=xterm-256color', 'COLORTERM=truecolor']

/**
 * Opens the session of an agent, or joins the one that is open and takes it from its other terminal. tmux draws
 * the whole screen, so a page that comes back shows what it would have shown.
 */
export async function openSessionStream(
  agent: RunningAgent,
  size: TerminalSize,
): Promise<TerminalStream> {
  const { address } = agent
  const halves = sessionHalves(agent, [], env)
  const [terminal, claude] = await Promise.all([
    createExec(address, halves.terminal, size),
    halves.claude && prepareDetached(address, halves.claude, env),
  ])
  const clean = createC1Remover()
  if (claude === null) return openTerminalStream(address, terminal, size, { clean })
  const missed = () => startDetached(address, claude)
  return openTerminalStream(address, terminal, size, {
    announcement: { text: needsNothing, missed },
    clean,
  })
}
