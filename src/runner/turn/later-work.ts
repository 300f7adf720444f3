import type { Json } from './output-line.ts'

/** Tools that make claude act later without a prompt: it must not live on after them. */
const actLater = new Set<unknown>(['CronCreate', 'ScheduleWakeup', 'Monitor', 'Workflow'])

/** Watches for work that goes on in the process after the end of its turn. */
export function createLaterWork() {
  let isPlanned = false
  let isUnderWay = false
  return {
    see(message: Json) {
      if (message.type === 'system' && message.subtype === 'background_tasks_changed') {
        // Anything but an empty list counts as work.
        isUnderWay = !(Array.isArray(message.tasks) && message.tasks.length === 0)
      }
      if (message.type !== 'assistant') return
      const content = (message.message as Json | undefined)?.content
      isPlanned ||=
        Array.isArray(content) &&
        content.some(block => block?.type === 'tool_use' && actLater.has(block.name))
    },
    /** Whether claude may act without a prompt. */
    isThere: () => isPlanned || isUnderWay,
  }
}
