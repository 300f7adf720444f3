import * as z from 'zod'
import type { RunEvent } from '../../run/result.ts'

const Started = z.object({
  type: z.literal('content_block_start'),
  content_block: z.looseObject({ type: z.string() }),
})
const Delta = z.object({
  type: z.literal('content_block_delta'),
  delta: z.object({ type: z.literal('text_delta'), text: z.string() }),
})
const Whole = z.object({
  content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })),
})

/**
 * Reads the model's text from the events of a run, piece by piece as the model writes it. Texts of two blocks
 * have an empty line between them. Texts of subagents are left out.
 */
export function createTextFeed() {
  /** The text of the block in progress that was passed on. */
  let passed = ''
  let isBegun = false
  let needsGap = false

  const pass = (text: string) => {
    if (text === '') return ''
    const gap = needsGap ? '\n\n' : ''
    needsGap = false
    isBegun = true
    return gap + text
  }
  const next = () => {
    passed = ''
    needsGap = isBegun
  }

  return {
    /** Returns the text that an event adds; empty for most events. */
    take(event: RunEvent): string {
      if (event.kind !== 'claude') return ''
      const { message } = event
      if (typeof message.parent_tool_use_id === 'string') return ''
      if (message.type === 'stream_event') {
        const started = Started.safeParse(message.event)
        if (started.success && started.data.content_block.type === 'text') next()
        const delta = Delta.safeParse(message.event)
        if (!delta.success) return ''
        passed += delta.data.delta.text
        return pass(delta.data.delta.text)
      }
      if (message.type !== 'assistant') return ''
      const whole = Whole.safeParse(message.message)
      if (!whole.success) return ''
      // A block that came in pieces comes again as a whole; one that Claude Code made itself comes only so.
      return whole.data.content
        .flatMap(({ type, text }) => (type === 'text' && text ? [text] : []))
        .map(text => {
          if (passed === '') next()
          const rest = text.startsWith(passed) ? text.slice(passed.length) : ''
          const piece = pass(rest)
          next()
          return piece
        })
        .join('')
    },
  }
}
