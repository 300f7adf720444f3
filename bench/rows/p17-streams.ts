import { memoryGrowth } from '../../tests/support/stack/process-memory.ts'
import type { Figure, Target, Unit } from '../figure.ts'
import type { Row } from '../row.ts'
import { quantile } from '../samples.ts'
import { type ApiClient, createApiClient } from '../server/api-client.ts'

const streams = 100

/** 100 streamed completions at once: none is lost, and most wait for their turn. */
export const streamsRow: Row = {
  id: 'P17',
  part: 'server',
  async measure({ server }, repetitions) {
    if (!server?.worker) return null
    const { memory, prompt } = server
    const rounds = Math.ceil(repetitions / 5)
    const api = createApiClient(server, { sockets: streams })
    if ((await api.ask('GET', '/openai/v1/models')).status !== 200) return null
    const head: number[] = []
    const content: number[] = []
    const growth: number[] = []
    try {
      for (let round = 0; round < rounds; round++) {
        let times: StreamTimes[] = []
        const all = async () => {
          times = await Promise.all(Array.from({ length: streams }, () => stream(api, prompt)))
        }
        growth.push(await memoryGrowth(memory, all))
        head.push(p95(times.map(({ head }) => head)))
        content.push(p95(times.map(({ content }) => content)))
      }
    } finally {
      api.close()
    }
    const none: Target = { kind: 'none' }
    const figure = (what: string, unit: Unit, ours: number[], target: Target = none): Figure => ({
      ...{ row: 'P17', what: `server: ${streams} streams at once, ${what}`, unit, ours },
      ...{ baseline: null, target },
    })
    return [
      figure('first byte, p95', 'ms', head),
      figure('first content, p95', 'ms', content),
      figure('memory of server and ingress', 'MiB', growth, { kind: 'at-most', limit: 64 }),
    ]
  },
}

const p95 = (times: readonly number[]) => quantile(times, 0.95)

/** Milliseconds until the head of an answer, and until its first content. */
type StreamTimes = { head: number; content: number }

/** Throws when the answer is not whole. */
async function stream(api: ApiClient, prompt: string): Promise<StreamTimes> {
  const started = performance.now()
  const body = { model: 'sonnet', stream: true, messages: [{ role: 'user', content: prompt }] }
  const response = await api.open('POST', '/openai/v1/chat/completions', {
    body: Buffer.from(JSON.stringify(body)),
    headers: { 'content-type': 'application/json' },
  })
  const head = performance.now() - started
  let content = 0
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) {
    text += chunk
    if (content === 0 && /"content":\s*"[^"]/.test(text)) content = performance.now() - started
  }
  if (content > 0 && text.endsWith('data: [DONE]\n\n')) return { head, content }
  throw new Error(`a stream is not whole: ${response.statusCode} ${text.slice(0, 2_000)}`)
}
