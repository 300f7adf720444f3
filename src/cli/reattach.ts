import { settingsInEnvironment } from '../config/setting-names.ts'
import { rememberedSession, runsAsLeft } from './quick-session.ts'
import { andTellAfter, prepareInTerminal, runPrepared, sessionCommand } from './session.ts'
import { isInteractive } from './terminal.ts'

/**
 * A plain `start` in a terminal, where the stack runs as the last one left it: opens the session and
 * returns its exit status. Null for every other command line, which `main` takes. Apart from it, so
 * that nothing is loaded here that a session does not need.
 */
export async function reattach(argv: readonly string[]): Promise<number | null> {
  const [command, ...options] = argv
  const plain = options.every(option => /^(--no-continue|--continue|-c)$/.test(option))
  if (command !== 'start' || !plain || !isInteractive()) return null
  const known = await rememberedSession(settingsInEnvironment())
  if (!known) return null
  // Prepared while the engine is asked: what is prepared and not started costs nothing.
  const [asLeft, id] = await Promise.all([
    runsAsLeft(known),
    prepareInTerminal(known, sessionCommand({ fresh: options.includes('--no-continue') })).catch(
      () => null,
    ),
  ])
  return asLeft && id !== null ? andTellAfter(known, () => runPrepared(known, id)) : null
}
