import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { readBounded } from '../base/read-bounded.ts'
import type { EngineAddress } from '../engine/engine-request.ts'
import { type ExecStream, prepareExec, startExecStream } from '../engine/exec-stream.ts'
import { RunId } from '../run/ids.ts'

const Status = z.object({ runs: z.array(z.unknown()) })

const command = ['/usr/local/bin/claude-secure-run', '--status']
const timeoutMilliseconds = 3_000
const answerBytes = 1024 * 1024

/**
 * Asks a worker's runner how many runs are in progress, from any client. Returns null if it does not
 * answer in time.
 */
export async function countActiveRuns(
  address: EngineAddress,
  container: string,
  timeout?: number,
): Promise<number | null> {
  return (await listActiveRunIds(address, container, timeout))?.length ?? null
}

/** Returns the ids of the runs in progress, like `countActiveRuns`. */
export async function listActiveRunIds(
  address: EngineAddress,
  container: string,
  timeout = timeoutMilliseconds,
): Promise<string[] | null> {
  let stream: ExecStream | undefined
  const late = new AbortController()
  const asking = async () => {
    const id = await prepareExec(address, { container, command, workingDirectory: '/' })
    stream = await startExecStream(address, id)
    // The timeout expired while the stream was being opened.
    if (late.signal.aborted) stream.destroy()
    return parseStatus(String(await readBounded(stream.stdout, answerBytes, 'the answer')))
  }
  try {
    const timer = sleep(timeout, null, { ref: false })
    return await Promise.race([asking().catch(() => null), timer])
  } finally {
    late.abort()
    stream?.destroy()
  }
}

/** Returns the ids of the runs in a `--status` response; null when the text is not one. */
export function parseStatus(text: string): string[] | null {
  try {
    return Status.parse(JSON.parse(text)).runs.map(idOf)
  } catch {
    return null
  }
}

/** A run without a valid id counts too. The answer comes from a container and is untrusted. */
function idOf(run: unknown): string {
  const parsed = z.object({ runId: RunId }).safeParse(run)
  return parsed.success ? parsed.data.runId : 'unknown'
}
