import { renderDuration } from '../../base/duration.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { RunEvent, RunEventBody } from '../../run/result.ts'
import type { OutputFormat } from './build-request.ts'
import { createFigures } from './figures.ts'

/**
 * Shows a run on stderr: its notices as warnings, and on a terminal its activity and usage, unless the
 * terminal is where its stream goes.
 */
export function createDisplay(
  { quiet, format }: { quiet: boolean; format: OutputFormat },
  warn: (text: string) => void,
) {
  if (quiet) return { event() {}, stop() {}, sum() {} }
  const streams = format === 'stream-json' && process.stdout.isTTY === true
  const progress = process.stderr.isTTY === true && !streams ? createProgress(process.stderr) : null
  return {
    event(event: RunEvent) {
      if (event.kind === 'notice') {
        progress?.clear()
        warn(terminalLine(event.text, 300))
      } else if (event.kind === 'question') {
        progress?.pause()
      } else {
        progress?.event(event)
      }
    },
    stop: () => progress?.stop(),
    sum: () => progress?.sum(),
  }
}

/** Shows a run's activity on one live line of a terminal, and at its end a permanent line with its usage. */
export function createProgress(stream: NodeJS.WriteStream, now: () => number = Date.now) {
  const started = now()
  const figures = createFigures()
  let paused = false
  const used = () => [renderDuration((now() - started) / 1000), ...figures.spent()]
  const draw = () => {
    if (paused) return
    const figuresLine = ` · ${used().join(' · ')}`
    // Truncate the activity rather than the cost.
    const room = Math.max(20, (stream.columns || 80) - 3)
    const doing = terminalLine(figures.doing(), Math.max(10, room - figuresLine.length))
    stream.write(`\r\x1b[K… ${`${doing}${figuresLine}`.slice(0, room)}`)
  }
  const clear = () => void stream.write('\r\x1b[K')
  const timer = setInterval(draw, 1_000)
  draw()
  return {
    event(event: RunEventBody) {
      if (event.kind === 'question-closed') paused = false
      if (event.kind !== 'claude') return
      if (figures.add(event.message)) draw()
    },
    clear,
    /** Pauses until the question is closed, because the user is typing. */
    pause() {
      paused = true
      clear()
    },
    stop() {
      clearInterval(timer)
      clear()
    },
    /** Prints the usage. Call it after `stop`, and after the answer. */
    sum: () => void stream.write(`${used().join(' · ')}\n`),
  }
}
