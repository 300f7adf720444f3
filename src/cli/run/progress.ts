import { renderDuration } from '../../egress/duration.ts'
import type { RunEvent } from '../../run/event.ts'
import { terminalLine } from '../../terminal-text.ts'
import { createFigures } from './figures.ts'

/** What a run does, on one live line of a terminal. */
export function createProgress(stream: NodeJS.WriteStream, now: () => number = Date.now) {
  const started = now()
  const figures = createFigures()
  const draw = () => {
    const elapsed = renderDuration((now() - started) / 1000)
    const parts = [figures.doing(), elapsed, ...figures.spent()]
    const line = terminalLine(parts.join(' · '), Math.max(20, (stream.columns || 80) - 3))
    stream.write(`\r\x1b[K… ${line}`)
  }
  const clear = () => void stream.write('\r\x1b[K')
  const timer = setInterval(draw, 1_000)
  draw()
  return {
    event(event: RunEvent) {
      if (event.kind !== 'claude') return
      if (figures.add(event.message)) draw()
    },
    clear,
    stop() {
      clearInterval(timer)
      clear()
    },
  }
}
