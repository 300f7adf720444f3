import { command } from '../../base/command.ts'
import { UserError } from '../../base/errors.ts'
import { lastLine } from '../../base/terminal-text.ts'
import { inSession, type SessionPlace } from '../session-exec.ts'
import { decodeName, type KeptStates, parseKeptStates } from './kept-states.ts'
import { type PlannedReturn, parsePlannedReturn } from './planned-return.ts'

/** Bytes that the container may print, and milliseconds until it has. */
const bounds = { output: 4 * 1024 * 1024, patience: 120_000 }

/** Returns the states that the copy of a session keeps. */
export async function readKeptStates(place: SessionPlace): Promise<KeptStates> {
  return parseKeptStates(await ask(place, ['list']))
}

/** Returns what a return to a kept state would change. Changes nothing in the copy. */
export async function planReturn(place: SessionPlace, number: number): Promise<PlannedReturn> {
  const plan = parsePlannedReturn(await ask(place, ['show', String(number)]))
  if (plan) return plan
  throw failed('the container did not say what would change')
}

/**
 * Returns the copy to a kept state, as `planReturn` showed it. The present state is kept too.
 *
 * @returns the number of that state; null when the copy has changed since it was shown
 */
export async function returnTo(
  place: SessionPlace,
  { number, kind, of, seen }: { number: number; kind: 'undo' | 'redo'; of: number; seen: string },
): Promise<number | null> {
  const output = await ask(place, ['apply', String(number), kind, String(of), seen])
  const done = /^done ([1-9]\d{0,8})$/m.exec(output)
  if (done) return Number(done[1])
  if (/^changed$/m.test(output)) return null
  throw failed('the container did not say that it returned')
}

/** Runs the image's program as the agent's user. Its words are a list, and its output is data of the agent. */
function ask(place: SessionPlace, words: readonly string[]): Promise<string> {
  const program = ['/usr/local/bin/claude-secure-turn', '/workspace', ...words]
  return inSession(place, program, bounds.patience, async exec => {
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of exec.stdout) {
      size += chunk.length
      if (size > bounds.output) throw failed('the container printed too much')
      chunks.push(chunk)
    }
    const status = await exec.exitStatus()
    if (status === 0) return Buffer.concat(chunks).toString('latin1')
    // The engine's status when a program is missing: a container of an older image.
    if (status === 126 || status === 127) {
      throw new UserError('the container of this session keeps no states', {
        hint: `run ${command('session stop')} and ${command('session start')} --name with its name: later turns can be undone`,
      })
    }
    throw failed(lastLine(decodeName(exec.stderr()), 300) || `status ${status}`)
  })
}

function failed(why: string) {
  return new UserError(`the copy of the session was left as it is: ${why}`, {
    hint: `look at it with ${command('session attach --shell')}, then run the command again`,
  })
}
