import { type ExecStream, prepareExec, startExecStream } from '../engine/container-exec.ts'
import type { EngineAddress } from '../engine/engine-request.ts'

/** The container with a session's copy. */
export type SessionPlace = { address: EngineAddress; container: string; signal?: AbortSignal }

/**
 * Runs a program in a session's container while `work` reads it. Ends it after `patience` milliseconds, when the
 * signal fires, and when `work` is done: a container that is silent, or sends without end, must not hold its caller.
 */
export async function inSession<T>(
  { address, container, signal }: SessionPlace,
  command: readonly string[],
  patience: number | null,
  work: (exec: ExecStream) => Promise<T>,
): Promise<T> {
  const id = await prepareExec(address, { container, command, workingDirectory: '/' })
  const exec = await startExecStream(address, id)
  const end = () => exec.destroy()
  const timer = patience === null ? undefined : setTimeout(end, patience)
  signal?.addEventListener('abort', end, { once: true })
  try {
    // An abort while the program started has told the listener nothing.
    signal?.throwIfAborted()
    return await work(exec)
  } catch (error) {
    signal?.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
    exec.destroy()
  }
}
