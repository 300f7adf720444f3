import { UserError } from '../base/errors.ts'

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
