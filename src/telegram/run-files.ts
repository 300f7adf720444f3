import { ToolCallId } from '../run/client-tools.ts'
import type { RunEvent } from '../run/result.ts'
import type { RunnerInput } from '../run/runner-protocol.ts'
import { HttpError } from '../tenants/http-error.ts'
import { type SendFileCall, sendFileCalls, sendFileTool } from './send-file-tool.ts'
import { mostSentFiles, type SentFile } from './sent-files.ts'

/** Sends a file to the chat, and opens and closes it for each attempt. Anything but `sent` is a failure. */
export type SendFile = (open: () => Promise<SentFile>, caption: string) => Promise<{ kind: string }>

/**
 * Executes the tool `send_file` of one run: opens the file as `[SEND_FILE: path]` does, sends it, and gives the model
 * the result. Returns what the start of the run needs. At most `mostSentFiles` in a run.
 */
export function createRunFiles({
  open,
  send,
}: {
  /** Opens a path of the run's own workspace: `openSentFile`. */
  open: (path: string) => Promise<SentFile>
  send: SendFile
}) {
  const seen = new Set<string>()
  let count = 0
  let last: Promise<void> = Promise.resolve()
  let give: (input: RunnerInput) => void = () => {}

  /** Returns null, or why the file was not sent. An error that is not a refusal stays here: it may have the token. */
  async function deliver(path: string, caption: string): Promise<string | null> {
    if (count >= mostSentFiles) return `a run sends at most ${mostSentFiles} files`
    try {
      // Before the chat's turn, so that a refusal neither waits nor counts.
      const { file } = await open(path)
      await file.close()
      count += 1
      const { kind } = await send(() => open(path), caption)
      return kind === 'sent' ? null : refused
    } catch (error) {
      return error instanceof HttpError ? error.message : refused
    }
  }

  async function answer({ id, file }: SendFileCall): Promise<void> {
    const problem = file ? await deliver(file.path, file.caption) : 'the path is missing'
    const text = problem === null ? 'sent' : `not sent: ${problem}`
    give({ kind: 'tool-result', id, content: [{ type: 'text', text }], isError: problem !== null })
  }

  return {
    request: { clientTools: [sendFileTool] },

    onConnected(given: (input: RunnerInput) => void) {
      give = given
    },

    /** Takes the calls of an event, one after the other. The run goes on meanwhile: only the model waits. */
    onEvent(event: RunEvent): void {
      for (const call of sendFileCalls(event)) {
        if (seen.has(call.id) || !ToolCallId.safeParse(call.id).success) continue
        seen.add(call.id)
        last = last.then(() => answer(call))
      }
    },

    /** Resolves once the files of all calls are sent or refused. */
    settled: (): Promise<void> => last,
  }
}

const refused = 'Telegram did not take the file'
