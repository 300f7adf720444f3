import { createColors } from 'picocolors'
import type { Log, LogEvent } from '../base/log.ts'
import { renderMessage } from './render/message.ts'
import { hasColours } from './terminal.ts'

export type ReportOptions = { verbose: boolean; quiet?: boolean; stream?: NodeJS.WriteStream }

/**
 * Shows log events on stderr: on a terminal one live line for the current step, elsewhere a line when a
 * step begins and when it ends.
 */
export function createReport(options: ReportOptions): Log {
  const stream = options.stream ?? process.stderr
  const live = stream.isTTY === true && !options.verbose
  const colours = createColors(hasColours(stream))
  let open = false

  const line = (text: string) => {
    stream.write(`${open ? '\r\x1b[K' : ''}${text}\n`)
    open = false
  }
  const liveLine = (text: string) => {
    stream.write(`\r\x1b[K${text.slice(0, (stream.columns || 80) - 1)}`)
    open = true
  }

  return (event: LogEvent) => {
    if (options.quiet && event.kind !== 'warn') return
    switch (event.kind) {
      case 'info':
        return line(renderMessage(event.text))
      case 'warn':
        return line(`${colours.yellow('warning:')} ${renderMessage(event.text)}`)
      case 'debug':
        return options.verbose ? line(colours.dim(renderMessage(event.text))) : undefined
      case 'step-start':
        return live ? liveLine(`… ${displayPath(event)}`) : line(`${displayPath(event)} …`)
      case 'step-progress':
        if (live) liveLine(`… ${displayPath(event)}: ${renderMessage(event.text, 200)}`)
        else if (options.verbose) line(`${displayPath(event)}: ${renderMessage(event.text, 200)}`)
        return
      case 'step-end':
        return line(renderEnd(event, colours))
      default:
        return event satisfies never
    }
  }
}

/** The name of a step can contain the path of a folder. */
function displayPath({ name }: { name: string }) {
  return renderMessage(name)
}

function renderEnd(
  event: Extract<LogEvent, { kind: 'step-end' }>,
  { green, red, dim }: ReturnType<typeof createColors>,
) {
  const time = dim(`${(event.milliseconds / 1000).toFixed(1)} s`)
  switch (event.outcome) {
    case 'done':
      return `${green('✓')} ${displayPath(event)} ${time}`
    case 'cached':
      return `${green('✓')} ${displayPath(event)} ${dim('(nothing to do)')}`
    case 'failed':
      return `${red('✗')} ${displayPath(event)} ${time}`
    default:
      return event.outcome satisfies never
  }
}
