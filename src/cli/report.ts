import { createColors } from 'picocolors'
import type { Log, LogEvent } from '../base/log.ts'
import { renderMessage } from './render/message.ts'
import { hasColours } from './terminal.ts'

export type ReportOptions = {
  verbose: boolean
  quiet?: boolean
  stream?: NodeJS.WriteStream
  /** For tests: milliseconds that only grow. */
  now?: () => number
}

/**
 * Shows log events on stderr: on a terminal one live line for the current step, elsewhere a line when a
 * step begins and when it ends.
 */
export function createReport(options: ReportOptions): Log {
  const stream = options.stream ?? process.stderr
  const live = stream.isTTY === true && !options.verbose
  const colours = createColors(hasColours(stream))
  const now = options.now ?? (() => performance.now())
  /** Start of each step that is not at its end. */
  const started = new Map<string, number>()
  let open = false

  const line = (text: string) => {
    stream.write(`${open ? '\r\x1b[K' : ''}${text}\n`)
    open = false
  }
  const liveLine = (text: string) => {
    stream.write(`\r\x1b[K${text.slice(0, (stream.columns || 80) - 1)}`)
    open = true
  }

  /** Not redrawn by a timer: a step may ask for a password. */
  const elapsed = ({ name }: { name: string }) => {
    const seconds = Math.floor((now() - (started.get(name) ?? now())) / 1000)
    return seconds > 0 ? ` ${seconds} s` : ''
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
        started.set(event.name, now())
        return live ? liveLine(`… ${displayPath(event)}`) : line(`${displayPath(event)} …`)
      case 'step-progress':
        if (live) liveLine(`… ${displayPath(event)}${elapsed(event)}: ${progress(event)}`)
        else if (options.verbose) line(`${displayPath(event)}: ${progress(event)}`)
        return
      case 'step-end':
        started.delete(event.name)
        return line(renderEnd(event, colours))
      default:
        return event satisfies never
    }
  }
}

function progress({ text }: { text: string }) {
  return renderMessage(text, 200)
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
