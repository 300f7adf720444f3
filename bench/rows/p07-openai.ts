import { setTimeout as sleep } from 'node:timers/promises'
import { interleave } from '../interleave.ts'
import type { Row } from '../row.ts'
import { runBare } from '../run-probe.ts'
import { type ApiClient, createApiClient } from '../server/api-client.ts'
import { refillMilliseconds } from './p06-server-run.ts'

const workspace = 'bench-openai'

/** The first content of a streamed chat completion, against the first text of the bare program's own stream. */
export const openaiRow: Row = {
  id: 'P7',
  part: 'server',
  async measure({ server }, repetitions) {
    if (!server?.worker) return null
    const { worker, prompt, root } = server
    const api = createApiClient(server)
    const { status } = await api.ask('GET', '/openai/v1/models')
    // A server without this endpoint.
    if (status !== 200) return null
    await api.makeWorkspace(workspace)
    const samples = await interleave(repetitions, {
      async ours() {
        await firstContent(api, prompt)
        await sleep(refillMilliseconds)
        return firstContent(api, prompt)
      },
      async baseline() {
        await sleep(refillMilliseconds)
        return runBare(worker, { prompt, folders: [`${root}/${workspace}`], until: 'text' })
      },
    }).finally(api.close)
    return [
      {
        row: 'P7',
        what: 'OpenAI stream: first content, warm, against the first text of cold `claude -p`',
        unit: 'ms',
        ...samples,
        target: { kind: 'ratio-at-most', ratio: 0.35 },
      },
    ]
  },
}

/** Returns the milliseconds to the first content, and reads the answer to its end. */
async function firstContent(api: ApiClient, prompt: string): Promise<number> {
  const started = performance.now()
  const body = { model: 'sonnet', stream: true, messages: [{ role: 'user', content: prompt }] }
  const response = await api.open('POST', '/openai/v1/chat/completions', {
    body: Buffer.from(JSON.stringify(body)),
    headers: { 'content-type': 'application/json', 'x-claude-workspace': workspace },
  })
  let first = 0
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    if (first === 0 && /"content":\s*"[^"]/.test(text)) first = performance.now() - started
  }
  if (response.statusCode === 200 && first > 0) return first
  throw new Error(`the stream answered ${response.statusCode}: ${text.slice(0, 2_000)}`)
}
