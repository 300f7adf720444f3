import { Readable } from 'node:stream'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import type { EngineAddress } from './engine-request.ts'

/** Milliseconds in which the engine must take or send a byte. A slow disk takes seconds. */
const patience = 60_000

/**
 * Copies files out of a container as a tar stream. The engine packs it, not a program in the container:
 * the agent cannot forge the archive, and the container need not run.
 */
export function createArchive(address: EngineAddress, idleMilliseconds = patience) {
  const open = async (container: string) => {
    // Loaded on demand: takes 200 ms, and only a copy needs it.
    const { default: Dockerode } = await import('dockerode')
    return new Dockerode(address).getContainer(container)
  }
  return {
    /**
     * Streams `folder` and everything below it; entry names begin with the folder's own name. The stream
     * fails with the reason of `signal` when it fires.
     */
    async get(container: string, folder: string, signal?: AbortSignal): Promise<Readable> {
      const opened = await open(container)
      const idle = createIdleTimer(idleMilliseconds, `read ${folder} of the container`, signal)
      idle.start()
      try {
        const stream = await opened.getArchive({ path: folder, abortSignal: idle.signal })
        return Readable.from(idle.reads(stream), { objectMode: false })
      } catch (error) {
        throw idle.reason() ?? error
      } finally {
        idle.stop()
      }
    },
  }
}
export type Archive = ReturnType<typeof createArchive>

/**
 * Aborts `signal` when the engine is silent for too long, and when `cancelled` fires. The time of our own
 * side does not count.
 */
function createIdleTimer(milliseconds: number, purpose: string, cancelled?: AbortSignal) {
  const controller = new AbortController()
  const signal = AbortSignal.any([controller.signal, ...(cancelled ? [cancelled] : [])])
  let timer: NodeJS.Timeout | undefined
  const stop = () => clearTimeout(timer)
  const start = () => {
    stop()
    timer = setTimeout(() => controller.abort(silent(purpose, milliseconds)), milliseconds)
  }
  /** Returns why `signal` fired; null when the transfer failed for another reason. */
  const reason = (): unknown => (signal.aborted ? signal.reason : null)
  return {
    signal,
    start,
    stop,
    reason,

    async *reads(source: AsyncIterable<unknown>) {
      try {
        start()
        for await (const chunk of source) {
          stop()
          yield chunk
          start()
        }
      } catch (error) {
        throw reason() ?? error
      } finally {
        stop()
      }
    },
  }
}

function silent(purpose: string, milliseconds: number) {
  return new UserError(
    `cannot ${purpose}: the container engine was silent for ${milliseconds / 1000} s`,
    { hint: `run ${command('doctor')} to check the engine, then try again` },
  )
}
