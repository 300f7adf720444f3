import { isRecord } from '../../base/json.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { RunEvent } from '../../run/result.ts'

const mostSteps = 8
const inputCharacters = 120

/** The members of a tool's input that say most about it, the best first. */
const telling = ['command', 'file_path', 'path', 'pattern', 'url', 'query', 'description', 'prompt']

/** One thing that the model does. Its texts are hostile. */
export type Step = { tool: string; input: string }

/** Returns the calls of tools in an event. */
export function stepsOf(event: RunEvent): Step[] {
  if (event.kind !== 'claude' || event.message.type !== 'assistant') return []
  const { message } = event.message
  const content = isRecord(message) && Array.isArray(message.content) ? message.content : []
  return content.filter(isRecord).flatMap(({ type, name, input }) => {
    if (type !== 'tool_use' || typeof name !== 'string') return []
    return [{ tool: terminalLine(name, 60), input: inputOf(input) }]
  })
}

function inputOf(input: unknown): string {
  if (!isRecord(input)) return ''
  const key = telling.find(name => typeof input[name] === 'string')
  return key === undefined ? '' : terminalLine(String(input[key]), inputCharacters)
}

/** Follows a run, and renders what its progress message shows. */
export function createActivity(verbose: number) {
  const steps: Step[] = []
  let count = 0
  let state: 'waiting' | 'working' | 'asking' = 'working'

  return {
    /** Returns whether the message has changed. */
    see(event: RunEvent): boolean {
      if (event.kind === 'question' || event.kind === 'question-closed') {
        state = event.kind === 'question' ? 'asking' : 'working'
        return true
      }
      if (event.kind === 'started') {
        const changed = state !== 'working'
        state = 'working'
        return changed
      }
      const found = stepsOf(event)
      count += found.length
      steps.push(...found)
      steps.splice(0, steps.length - mostSteps)
      return found.length > 0 && verbose > 0
    },
    wait() {
      state = 'waiting'
    },
    text(): string {
      const head = {
        waiting: 'waiting for other runs to end…',
        working: 'working…',
        asking: 'waiting for your answer…',
      }[state]
      if (verbose === 0 || count === 0) return head
      if (verbose === 1) return `${head}\n${count}. ${steps.at(-1)?.tool ?? ''}`
      const first = count - steps.length + 1
      const lines = steps.map(({ tool, input }, index) => `${first + index}. ${tool} ${input}`)
      return [head, ...lines.map(line => line.trimEnd())].join('\n')
    },
  }
}
export type Activity = ReturnType<typeof createActivity>
