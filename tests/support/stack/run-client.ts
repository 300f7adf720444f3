import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { RunnerEvent } from '../../../src/run/runner-protocol.ts'

export type RunClient = {
  runId: string
  /** Sends a line of input to the run: an answer, or a cancel. */
  send: (input: object) => void
  /** Resolves with the first event of a kind, and with this word in it, also when it has come already. */
  event: (kind: RunnerEvent['kind'], word?: string) => Promise<RunnerEvent>
  /** Ends its stdin, which cancels the run. */
  leave: () => void
  /** As `kill -9` of the control script: nobody says goodbye. */
  kill: () => void
  done: Promise<Done>
}

export type Done = {
  events: RunnerEvent[]
  started: Extract<RunnerEvent, { kind: 'started' }> | undefined
  ended: Extract<RunnerEvent, { kind: 'ended' }> | undefined
  refused: Extract<RunnerEvent, { kind: 'refused' }> | undefined
  messages: Record<string, unknown>[]
  result: Record<string, unknown> | undefined
  /** What the tools gave, one text each. */
  toolResults: string[]
  stderr: string
}

/** A run in a worker, through `docker exec -i` and the client there. */
export function openRun(
  container: string,
  prompt: string,
  request: object = {},
  workspace = '/workspace',
  outer: { asks?: boolean; questionSeconds?: number } = {},
): RunClient {
  const runId = randomBytes(8).toString('hex')
  const child = spawn('docker', ['exec', '--interactive', container, 'claude-secure-run'])
  child.stdin.on('error', () => {})
  let lines = ''
  child.stdout.setEncoding('utf8').on('data', more => {
    lines += more
  })
  child.stdin.write(
    `${JSON.stringify({ version: 1, runId, workspace, request: { prompt, ...request }, ...outer })}\n`,
  )
  return {
    runId,
    send: input => child.stdin.write(`${JSON.stringify(input)}\n`),
    event: (kind, word = '') =>
      new Promise(resolve => {
        const look = () => {
          const found = partsOf(lines).events.find(
            event => event.kind === kind && JSON.stringify(event).includes(word),
          )
          if (!found) return
          child.stdout.off('data', look)
          resolve(found)
        }
        child.stdout.on('data', look)
        look()
      }),
    leave: () => child.stdin.end(),
    kill: () => child.kill('SIGKILL'),
    done: Promise.all([text(child.stdout), text(child.stderr)]).then(([stdout, stderr]) => ({
      ...partsOf(stdout),
      stderr,
    })),
  }
}

/** The events in the lines of an answer, and the parts of them that tests look at. */
export function partsOf(lines: string): Omit<Done, 'stderr'> {
  const events = lines
    .split('\n')
    // The last piece is the beginning of a line, or nothing.
    .slice(0, -1)
    .filter(line => line.endsWith('}'))
    .map(line => RunnerEvent.parse(JSON.parse(line)))
  const messages = events.flatMap(event => (event.kind === 'claude' ? [event.message] : []))
  return {
    events,
    started: events.find(event => event.kind === 'started'),
    ended: events.find(event => event.kind === 'ended'),
    refused: events.find(event => event.kind === 'refused'),
    messages,
    result: messages.find(({ type }) => type === 'result'),
    toolResults: messages.filter(({ type }) => type === 'user').map(toolResult),
  }
}

function toolResult({ message }: Record<string, unknown>): string {
  const { content } = message as { content: { content?: unknown }[] }
  return Array.isArray(content) ? content.map(part => String(part.content)).join('\n') : ''
}
