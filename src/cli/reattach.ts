import { userEnvironment } from '../config/environment.ts'
import { settingsInEnvironment } from '../config/setting-names.ts'
import { isStillRunning } from '../operations/remembered-stack/is-still-running.ts'
import { isUnchanged, recallStack } from '../operations/remembered-stack/memory.ts'
import { serviceOfSessions } from '../stack/services.ts'
import { prepareSession, reportAfter, runSession, sayHowToLeave } from './session.ts'
import { hasColours, isDumb, isInteractive } from './terminal.ts'
import { workspaceVariable } from './workspace-variable.ts'

/**
 * Opens the session for a plain `start` in a terminal whose stack runs as the last start left it, and
 * returns its exit status. Null for every other command line, which `main` handles. A file of its own
 * so that a session loads nothing it does not need.
 */
export async function reattach(argv: readonly string[]): Promise<number | null> {
  const [command, ...options] = argv
  const plain = options.every(option => /^(--continue|-c)$/.test(option))
  if (command !== 'start' || !plain || !isInteractive()) return null
  const env = userEnvironment()
  if (isDumb(env.TERM) || workspaceVariable(env)) return null
  const known = recallStack(serviceOfSessions)
  if (!known) return null
  // Prepared in parallel with the checks: an exec that is never started costs nothing.
  const asked = Promise.all([
    isStillRunning(known, serviceOfSessions),
    prepareSession(known, { fresh: false }).catch(() => null),
  ])
  // The next turn of the event loop sends the requests; the engine works while this process looks at files.
  await new Promise(resolve => setImmediate(resolve))
  if (!(await isUnchanged(known, settingsInEnvironment()))) return null
  const [asLeft, session] = await asked
  if (!asLeft || session === null) return null
  sayHowToLeave()
  try {
    return await reportAfter(known, () => runSession(known, session))
  } catch (error) {
    const { renderError } = await import('./render/message.ts')
    const colour = hasColours(process.stderr)
    process.stderr.write(`${renderError(error, { verbose: false, colour })}\n`)
    return 1
  }
}
