import { isatty } from 'node:tty'
import { UserError } from '../base/errors.ts'
import { userEnvironment } from '../config/environment.ts'
import { calledAs } from './called-as.ts'

/** Returns whether to use colours on a stream: it is a terminal, and NO_COLOR is not set. */
export function hasColours(stream: { isTTY?: boolean }): boolean {
  return stream.isTTY === true && !userEnvironment().NO_COLOR
}

/** Returns the columns of a terminal; infinite for a file or a pipe, whose reader wants whole lines. */
export function widthOf(stream: { isTTY?: boolean; columns?: number }): number {
  return stream.isTTY && stream.columns ? stream.columns : Number.POSITIVE_INFINITY
}

/** Returns whether both stdin and stdout are a terminal. Without process.stdin, which takes 1.5 ms to open. */
export function isInteractive(): boolean {
  return isatty(0) && isatty(1)
}

/** Returns whether the terminal says that it only prints lines, as editors and build logs do. */
export function isDumb(term: string | undefined): boolean {
  return term === 'dumb' || term === 'unknown'
}

/** Rejects a terminal that cannot show a session: Claude Code draws a screen with cursor movements. */
export function requireCapableTerminal(term: string | undefined): void {
  if (!isDumb(term)) return
  throw new UserError(`the terminal cannot show a session: TERM=${term}`, {
    hint: `run prompts without a session: ${calledAs()} run "…"; if the terminal can move its cursor, set TERM=xterm-256color`,
  })
}

/** Returns the terminal's type and colours as `NAME=value`, if they are plain names. */
export function terminalVariables(env: { TERM?: string; COLORTERM?: string }): string[] {
  const plain = /^[A-Za-z0-9._+-]{1,40}$/
  const term = env.TERM && plain.test(env.TERM) ? env.TERM : 'xterm-256color'
  const colours = env.COLORTERM && plain.test(env.COLORTERM) ? [`COLORTERM=${env.COLORTERM}`] : []
  return [`TERM=${term}`, ...colours]
}

/** Exit status of a program whose reader exited, as shells report SIGPIPE. */
export const readerGone = 141

/**
 * Ends the command when its output cannot be written: the reader exited (`logs --follow | head`), or
 * the disk is full.
 */
export function watchOutput(controller: AbortController) {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') return controller.abort(readerGone)
      const hint = 'free space on that disk, or redirect the output elsewhere'
      controller.abort(
        new UserError(`cannot write the output: ${error.message}`, { hint, cause: error }),
      )
    })
  }
}
