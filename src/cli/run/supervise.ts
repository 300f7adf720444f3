import { writeSync } from 'node:fs'
import { messageOf, UserError } from '../../base/errors.ts'
import { blockedSince } from '../../operations/notices.ts'
import type { Invocation } from '../invocation.ts'
import { renderMessage } from '../render/message.ts'
import type { Answer, Job } from './detach.ts'
import { startRun } from './start-run.ts'

/** Maximum milliseconds to read the proxy's log. */
const patience = 3_000

/** The other end of `detach`: runs the job from stdin to its end. The store keeps the result. */
export async function supervise(invocation: Invocation): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) chunks.push(chunk)
  // Sent by our own parent, which has validated it.
  const { worker, request, runId, wait, questionSeconds }: Job = JSON.parse(
    Buffer.concat(chunks).toString(),
  )
  let answered = false
  const answer = (text: Answer) => {
    if (answered) return
    answered = true
    try {
      writeSync(1, `${JSON.stringify(text)}\n`)
    } catch {
      // The parent has exited; the run goes on.
    }
  }
  try {
    const { signal } = invocation
    // There is no terminal, so the names that were refused to the run are stored with it.
    const parting = (since: Date) =>
      blockedSince({ ...worker, from: since }, AbortSignal.timeout(patience)).then(({ lines }) =>
        lines.map(line => renderMessage(line)),
      )
    const run = startRun({ worker, client: null }, request, {
      ...{ signal, runId, wait, parting, questionSeconds },
      // `claude.ts answer` can answer it.
      asks: true,
    })
    if (wait) answer({ accepted: true })
    for await (const _ of run.events) answer({ accepted: true })
    await run.result
    answer({ accepted: true })
  } catch (error) {
    const hint = error instanceof UserError ? error.hint : 'run it without --detach'
    const usage = error instanceof UserError && error.exitCode === 2
    answer({ message: messageOf(error), hint, exitCode: usage ? 2 : 1 })
  }
}
