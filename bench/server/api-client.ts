import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { ServerPart } from '../system.ts'

export type ApiAnswer = { status: number; text: string }

/** Maximum milliseconds of one request: a run beside other load, or an upload. */
const patience = 180_000

/** Creates a client that keeps its connections, as programs that use the API do. */
export function createApiClient(
  { url, token }: Pick<ServerPart, 'url' | 'token'>,
  { sockets = 64 } = {},
) {
  const agent = new Agent({ keepAlive: true, maxSockets: sockets })

  const open = (
    method: string,
    path: string,
    options: { body?: Buffer | AsyncIterable<Buffer>; headers?: Record<string, string> } = {},
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { body, headers } = options
      const call = request(new URL(path, url), {
        ...{ agent, method, signal: AbortSignal.timeout(patience) },
        headers: { authorization: `Bearer ${token}`, ...headers },
      })
      call.once('error', reject)
      call.once('response', resolve)
      if (body === undefined || Buffer.isBuffer(body)) call.end(body)
      else void pump(body, call).catch(error => call.destroy(error as Error))
    })

  const ask = async (...args: Parameters<typeof open>): Promise<ApiAnswer> => {
    const response = await open(...args)
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return { status: response.statusCode ?? 0, text }
  }

  const must = async (...args: Parameters<typeof open>): Promise<string> => {
    const { status, text } = await ask(...args)
    if (status === 200) return text
    throw new Error(`${args[0]} ${args[1]} answered ${status}: ${text.slice(0, 500)}`)
  }

  return {
    open,
    ask,
    must,

    /** Runs a prompt to its end: a new session, or the next turn of the workspace's last one. */
    async run(workspace: string, prompt: string, session: 'fresh' | 'continue'): Promise<string> {
      const body = JSON.stringify({ prompt, workspace, noContinue: session === 'fresh' })
      const headers = { 'content-type': 'application/json' }
      const text = await must('POST', '/run', { body: Buffer.from(body), headers })
      const { isError, result } = JSON.parse(text) as { isError?: boolean; result?: string }
      if (isError) throw new Error(`the run failed: ${text.slice(0, 2_000)}`)
      return result ?? ''
    },

    /** Makes a workspace, as a user of the API does: by storing a file in it. */
    async makeWorkspace(name: string): Promise<void> {
      await must('PUT', `/files/${name}/bench.txt`, { body: Buffer.from('bench\n') })
    },

    close: () => agent.destroy(),
  }
}
export type ApiClient = ReturnType<typeof createApiClient>

async function pump(body: AsyncIterable<Buffer>, call: ClientRequest) {
  const closed = new Promise<void>(resolve => call.once('close', resolve))
  for await (const chunk of body) {
    if (call.destroyed) return
    if (call.write(chunk)) continue
    await Promise.race([new Promise<void>(resolve => call.once('drain', resolve)), closed])
  }
  call.end()
}
