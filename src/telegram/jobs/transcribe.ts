import type { RunStart, RunStarter } from '../../tenants/run-starter.ts'
import type { Job } from './job.ts'

const transcribeSeconds = 300

/**
 * Returns the prompt of a voice message: what the configured command prints for its file. The command runs in the
 * workspace of the chat, as `/bash` does; no service outside of it gets the voice.
 */
export async function transcribed(
  starter: Pick<RunStarter, 'start'>,
  job: Job & { voice: string },
  command: string,
  start: Pick<RunStart, 'caller' | 'workspace' | 'signal' | 'queue'>,
): Promise<string> {
  const begun = await starter.start({
    ...start,
    request: {
      prompt: `${command} ${shellWord(job.voice)}`,
      shell: true,
      timeoutSeconds: transcribeSeconds,
      session: { kind: 'fresh' },
    },
    surface: 'telegram:transcribe',
    asks: false,
    idempotencyKey: `telegram:${job.id}:voice`,
    requestDigest: 'telegram',
  })
  const { claude } = await begun.result
  const output = typeof claude?.result === 'string' ? claude.result : ''
  const [, exit] = /\((exit code \d+|ended by signal .*)\)$/.exec(output) ?? []
  const said = exit === undefined ? output : `(it was not transcribed: ${exit})`
  const words = [said || '(it was not transcribed)', job.prompt].filter(Boolean).join('\n\n')
  return `A voice message was saved in the workspace as "${job.voice}". Its words:\n\n${words}`
}

/** Quotes a name for the shell. It has no leading dash: see `fileName`. */
function shellWord(name: string): string {
  return `'${name.replaceAll("'", "'\\''")}'`
}
