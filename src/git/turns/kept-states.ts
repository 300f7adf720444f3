import { nameOfBytes } from '../../files/byte-names.ts'
import { isObjectId } from '../repository.ts'

/** A state of a session's copy that its container keeps. All of it is of the agent. */
export type KeptState = {
  number: number
  /** `turn`: before a prompt; `undo` and `redo`: before such a return. */
  kind: 'turn' | 'undo' | 'redo'
  /** ISO 8601; null when it is not a time. */
  at: string | null
  /** The commit that was checked out; null when there was none. */
  head: string | null
  /** The state that an undo returned to; the undo that a redo takes back. */
  of: number | null
  /** The beginning of the prompt that followed. */
  prompt: string | null
}

export type KeptStates = {
  /** Whether Claude Code began a turn and did not end it: it works, or a person interrupted it. */
  running: boolean
  /** Ascending by number. */
  states: KeptState[]
}

/** Maximum number of states that are read; the container keeps 50. */
const most = 200

/** Reads the output of `claude-secure-turn … list`. Leaves out lines of another form. */
export function parseKeptStates(output: string): KeptStates {
  const states: KeptState[] = []
  let running = false
  for (const line of output.split('\n')) {
    if (line === 'running 1') running = true
    const found = /^state ([1-9]\d{0,8}) ([0-9a-f]+) (\S*)$/.exec(line)
    if (!found || states.length >= most) continue
    const state = parseState(Number(found[1]), decodeName(found[3] ?? ''))
    if (state && !states.some(({ number }) => number === state.number)) states.push(state)
  }
  return { running, states: states.sort((a, b) => a.number - b.number) }
}

function parseState(number: number, message: string): KeptState | null {
  const [kind, ...lines] = message.split('\n')
  if (kind !== 'turn' && kind !== 'undo' && kind !== 'redo') return null
  const value = (name: string) =>
    lines.find(line => line.startsWith(`${name} `))?.slice(name.length + 1)
  const [head, at, of] = [value('head'), value('at'), value('of')]
  return {
    number,
    kind,
    at:
      at !== undefined && /^\d{1,11}$/.test(at) ? new Date(Number(at) * 1000).toISOString() : null,
    head: head !== undefined && isObjectId(head) ? head : null,
    of: of !== undefined && /^[1-9]\d{0,8}$/.test(of) ? Number(of) : null,
    prompt: parsePrompt(value('prompt')),
  }
}

/** The hook keeps the prompt as JSON had it. */
function parsePrompt(text: string | undefined): string | null {
  if (text === undefined) return null
  try {
    const prompt: unknown = JSON.parse(`"${text}"`)
    return typeof prompt === 'string' ? prompt : null
  } catch {
    return null
  }
}

/** Decodes the form in which the container prints names: bytes as `%0A`. */
export function decodeName(text: string): string {
  const parts = text.match(/%[0-9A-F]{2}|[^%]+|%/g) ?? []
  return nameOfBytes(
    Buffer.concat(
      parts.map(part =>
        /^%../.test(part) ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part),
      ),
    ),
  )
}
