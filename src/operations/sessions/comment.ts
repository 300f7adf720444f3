import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { terminalText } from '../../base/terminal-text.ts'
import { exec } from '../../process/exec.ts'
import { serviceOf } from '../../stack/inspect.ts'
import { serviceOfSessions } from '../../stack/services.ts'
import type { Context } from '../context.ts'
import type { FoundSession } from './find-sessions.ts'

/** Maximum characters of a comment. */
const longest = 10_000

/** The terminal of a session in its container, which belongs to the keeper. */
const tmux = ['tmux', '-S', '/run/claude-secure-session/private/tmux']

/**
 * Types a comment of a person at Claude's prompt, as one paste, and sends it. Claude Code must be open in the
 * session; the text goes on stdin and is never a command.
 */
export async function commentToClaude(
  { docker, signal }: Pick<Context, 'docker' | 'signal'>,
  { session, state }: FoundSession,
  comment: string,
): Promise<void> {
  // An escape would end the paste, and what follows would be typed as keys.
  const text = terminalText(comment).trim().slice(0, longest)
  if (text === '') return
  const service = state && serviceOf(state, serviceOfSessions)
  if (service?.state !== 'running' || !state?.keeper) throw notOpen(session.session)
  const inside = (words: readonly string[], input?: string) =>
    exec(
      docker.file,
      [
        ...['exec', '--interactive', '--user', state.keeper ?? '', service.container],
        ...[...tmux, ...words],
      ],
      { env: docker.env, signal, timeout: 30_000, ...(input !== undefined && { input }) },
    )
  const open = await inside(['has-session', '-t', '=claude'])
  if (open.code !== 0) throw notOpen(session.session)
  const steps = [
    [['load-buffer', '-b', 'comment', '-'], text],
    [['paste-buffer', '-p', '-r', '-d', '-b', 'comment', '-t', '=claude:'], undefined],
    [['send-keys', '-t', '=claude:', 'Enter'], undefined],
  ] as const
  for (const [words, input] of steps) {
    const { code, stderr } = await inside(words, input)
    if (code === 0) continue
    throw new UserError('the comment did not reach Claude', {
      hint: `run ${command(`session attach ${session.session}`)} and type it there`,
      cause: new Error(stderr),
    })
  }
}

function notOpen(session: string) {
  return new UserError(`Claude is not open in session ${session}`, {
    hint: `run ${command(`session attach ${session}`)} in another terminal, then comment again`,
  })
}
