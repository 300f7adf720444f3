import { RunRefusal } from '../../run/failure.ts'
import type { SocketTransport } from '../../run/socket-transport.ts'
import type { RunTransport } from '../../run/transport.ts'

/**
 * Refuses runs in a workspace below the root when the worker's kernel cannot keep workspaces apart: such a run could
 * read all others, and so could a token that may use this one alone. Asks the worker until it says that it can.
 */
export function requireLandlock(worker: SocketTransport, root: string): RunTransport {
  let isConfined = false
  return {
    async open(request) {
      if (request.workspace !== root && !isConfined) {
        isConfined = (await worker.status()).landlock
        if (!isConfined) {
          throw new RunRefusal(
            'confinement',
            'the kernel has no Landlock to keep workspaces apart: only the root workspace can be used',
          )
        }
      }
      return worker.open(request)
    },
  }
}
