import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Answer, exchange } from '../http/exchange.ts'

/** How the prompts of a target make its model do what a case needs. */
export type ContractPrompts = {
  /** Answers at once, with a text that contains the word. `before` begins the prompt. */
  quick: (word: string, before?: string) => string
  /** Does not end before it is cancelled. */
  slow: string
  /** Fails with this status of the model's API; null where the target cannot. */
  failing: ((status: number) => string) | null
  /** Has this as `structured_output`; null where the target cannot. */
  structured: ((output: object) => string) | null
  /** Asks these questions, and answers with what it was told; null where the target cannot. */
  asking: ((questions: readonly object[]) => string) | null
}

export type ContractTarget = { url: string; token: string; prompts: ContractPrompts }

export type Sending = {
  headers?: Record<string, string>
  body?: string | Buffer | object
  /** Sends no token when null. */
  token?: string | null
}

export type ContractApi = ReturnType<typeof createContractApi>

/** The requests of the cases, written by hand: `line` is the method and the target, as it goes out. */
export function createContractApi(target: ContractTarget) {
  const { host } = new URL(target.url)

  const bytesOf = (line: string, { headers = {}, body, token = target.token }: Sending) => {
    const isJson = typeof body === 'object' && !Buffer.isBuffer(body)
    const content = isJson ? JSON.stringify(body) : (body ?? '')
    const sendsLength = body !== undefined || /^(POST|PUT|PATCH) /.test(line)
    const fields = {
      host,
      ...(token !== null && { authorization: `Bearer ${token}` }),
      ...(isJson && { 'content-type': 'application/json' }),
      ...(sendsLength && { 'content-length': `${Buffer.byteLength(content)}` }),
      ...headers,
    }
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`)
    return [`${line} HTTP/1.1\r\n${head.join('')}\r\n`, content]
  }
  const send = (line: string, sending: Sending = {}): Promise<Answer> =>
    exchange(target.url, bytesOf(line, sending))

  return {
    ...target,
    host,
    send,
    bytesOf,
    run: (body: object, sending: Sending = {}) => send('POST /run', { ...sending, body }),
    /** Makes a workspace of its own for a case, by a file in it. */
    async workspace(): Promise<string> {
      const name = `contract-${randomBytes(5).toString('hex')}`
      const stored = await send(`PUT /files/${name}/.keep`)
      if (stored.status !== 200) throw new Error(`no workspace: ${stored.status} ${stored.text}`)
      return name
    },
    /** Asks again until the answer is as wanted. */
    async until(ask: () => Promise<Answer>, wanted: (answer: Answer) => boolean): Promise<Answer> {
      const deadline = Date.now() + 180_000
      for (;;) {
        const answer = await ask()
        if (wanted(answer)) return answer
        if (Date.now() > deadline)
          throw new Error(`waited in vain: ${answer.status} ${answer.text}`)
        await sleep(100)
      }
    },
  }
}

/** Returns a member of a JSON answer. */
export function member(answer: Answer, name: string): unknown {
  const { json } = answer
  return typeof json === 'object' && json !== null ? Object(json)[name] : undefined
}
