import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'

/**
 * Speaks Claude Code's stream-json on stdin and stdout, and does what words of the prompt say. For what
 * the real one does not do when asked: see tests/integration/runner.
 */
const say = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`)
const session = process.argv.find(word => /^--(session-id|resume)=/.test(word))?.split('=')[1]
let cost = 0
let turns = 0
let initialized: unknown = null
let openings = 0
let isDeaf = false

const result = (text: string, more: object = {}) => {
  cost += 0.1
  say({
    type: 'result',
    subtype: 'success',
    is_error: false,
    result: text,
    session_id: session,
    total_cost_usd: cost,
    modelUsage: { m: { inputTokens: 10 * ++turns, contextWindow: 1000 } },
    ...more,
  })
}

/** In a session of its own, and well after the runner has looked at what was there before. */
function leaveStray(then: (pid: number | undefined) => void) {
  setTimeout(() => {
    const stray = spawn('sleep', ['300'], { stdio: 'ignore', detached: true })
    stray.once('spawn', () => then(stray.pid))
  }, 200)
}

const usage = {
  input_tokens: 3,
  cache_creation_input_tokens: 20,
  cache_read_input_tokens: 100,
  output_tokens: 7,
}

/** Writes a text in pieces and then whole, as Claude Code does. */
function write(pieces: readonly string[]) {
  const event = (event: object) => say({ type: 'stream_event', parent_tool_use_id: null, event })
  event({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } })
  for (const text of pieces) {
    event({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })
  }
  const content = [{ type: 'text', text: pieces.join('') }]
  say({ type: 'assistant', parent_tool_use_id: null, message: { role: 'assistant', content } })
}

const results = new Map<string, string | null>()

/** Calls tools of the client, all in one message, and says what they gave. */
function call(calls: readonly [string, object][]) {
  const event = (event: object) => say({ type: 'stream_event', parent_tool_use_id: null, event })
  event({ type: 'message_start', message: { usage } })
  const blocks = calls.map(([name, input], index) => ({
    ...{
      type: 'tool_use',
      id: `toolu_${process.pid}_${index}`,
      name: `mcp__client__${name}`,
      input,
    },
  }))
  for (const [index, block] of blocks.entries()) {
    event({ type: 'content_block_start', index, content_block: { ...block, input: {} } })
    for (const partial_json of JSON.stringify(block.input).match(/.{1,6}/g) ?? []) {
      const delta = { type: 'input_json_delta', partial_json }
      event({ type: 'content_block_delta', index, delta })
    }
    const message = { role: 'assistant', content: [block], stop_reason: null }
    say({ type: 'assistant', parent_tool_use_id: null, message })
  }
  event({ type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 2 } })
  event({ type: 'message_stop' })
  for (const { id, name, input } of blocks) {
    results.set(id, null)
    const params = {
      name: name.slice('mcp__client__'.length),
      arguments: input,
      _meta: { 'claudecode/toolUseId': id },
    }
    const message = { jsonrpc: '2.0', id: 1, method: 'tools/call', params }
    const request = { subtype: 'mcp_message', server_name: 'client', message }
    say({ type: 'control_request', request_id: id, request })
  }
}

type Rpc = { mcp_response?: { result?: { content?: { text?: string }[] } } }

function takeResult(id: string, { mcp_response: response }: Rpc) {
  results.set(id, response?.result?.content?.map(({ text }) => text).join('') ?? '')
  const texts = [...results.values()]
  if (texts.includes(null)) return
  write([texts.join(', ')])
  result(texts.join(', '), { stop_reason: 'end_turn', usage, initialized })
}

type Content = string | { type: string; text?: string }[]

function obey(content: Content): unknown {
  const prompt =
    typeof content === 'string' ? content : content.map(({ text }) => text ?? '').join('\n')
  const [, word = '', rest = ''] = /^(\S+) ?(.*)/s.exec(prompt) ?? []
  say({ type: 'system', subtype: 'init', session_id: session })
  switch (word) {
    case 'malformed':
      process.stdout.write('not JSON \x1b]0;title\x07\n\n[1]\n{"no":"type"}\n{"type":3}\n')
      process.stdout.write(Buffer.from([0xff, 0xfe, 0x0a]))
      return result('after all that')
    case 'long':
      process.stdout.write(`{"type":"user","x":"${'x'.repeat(Number(rest))}"}\n`)
      return result('after a long line')
    case 'flood':
      for (let i = 0; i < Number(rest); i++) say({ type: 'assistant', i, x: 'x'.repeat(10_000) })
      return result('after a flood')
    case 'turns': {
      // Each with so many characters; goes on as the next word says.
      const [, count = '', characters = '', after = ''] = /^(\d+) (\d+) ?(.*)/s.exec(rest) ?? []
      const content = [{ type: 'text', text: 'x'.repeat(Number(characters)) }]
      for (let i = 0; i < Number(count); i++) say({ type: 'assistant', message: { content } })
      return after === '' ? result('after all turns') : obey(after)
    }
    case 'crash':
      process.stderr.write('the fake claude cannot go on\n')
      process.exit(3)
      break
    case 'stray':
      return leaveStray(pid => result(`stray ${pid}`))
    case 'late-stray':
      // As a hook that runs between two turns: when the file is there.
      result('for now')
      {
        const watch = setInterval(() => {
          if (!existsSync(rest)) return
          clearInterval(watch)
          leaveStray(() => {})
        }, 50)
      }
      return
    case 'stubborn':
      process.on('SIGINT', () => {})
      process.on('SIGTERM', () => {})
      setInterval(() => {}, 1_000)
      return say({ type: 'assistant', stubborn: true })
    case 'unasked':
      result('for now')
      // When the file is there.
      return setInterval(() => {
        if (existsSync(rest)) say({ type: 'assistant', message: { content: [] } })
      }, 100)
    case 'write': {
      // Words; those after a bar are a second text.
      const texts = rest.split(' | ').map(text => text.split(/(?<= )/))
      for (const pieces of texts) write(pieces)
      return result(texts.at(-1)?.join('') ?? '', { stop_reason: 'end_turn', usage })
    }
    case 'when': {
      const look = setInterval(() => {
        if (!existsSync(rest)) return
        clearInterval(look)
        result('it is there')
      }, 50)
      return look
    }
    case 'call':
      // JSON: [[name, input], …]
      return call(JSON.parse(rest))
    case 'begin':
      return write([rest])
    case 'cut':
      write(['one ', 'two'])
      return result('API Error: 529', { is_error: true, api_error_status: 529 })
    case 'silent':
      return setInterval(() => {}, 1_000)
    case 'request':
      return say({ type: 'control_request', request_id: 'q', request: { subtype: rest } })
    case 'ask': {
      // JSON of the request: the tool and its input.
      const request = { subtype: 'can_use_tool', ...JSON.parse(rest) }
      return say({ type: 'control_request', request_id: 'q', request })
    }
    case 'denied': {
      // What a tool printed.
      const content = [{ type: 'tool_result', tool_use_id: 'toolu_1', content: rest }]
      say({ type: 'user', message: { role: 'user', content } })
      return result('it was refused')
    }
    case 'deaf':
      isDeaf = true
      return say({ type: 'assistant', deaf: true })
    case 'leaver':
      return leaveStray(pid => say({ type: 'assistant', stray: pid }))
    case 'background':
      say({ type: 'system', subtype: 'background_tasks_changed', tasks: [{ task_id: '1' }] })
      return say({ type: 'assistant', background: true })
    case 'structured':
      return result('structured', { structured_output: JSON.parse(rest) })
    case 'api-error':
      return result(`API Error: ${rest}`, { is_error: true, api_error_status: Number(rest) })
    case 'retry':
      return say({
        type: 'system',
        subtype: 'api_retry',
        retry_delay_ms: 120_000,
        error_status: Number(rest) || null,
        error: 'overloaded',
      })
    default:
      return result(prompt, {
        argv: process.argv.slice(2),
        initialized,
        openings,
        home: process.env.HOME,
        content,
        usage,
      })
  }
}

const input = createInterface({ input: process.stdin })
input.on('line', line => {
  const message = JSON.parse(line)
  if (message.type === 'control_request') {
    const { request, request_id } = message
    if (request.subtype === 'initialize') {
      openings++
      // The real one keeps the first.
      initialized ??= request
    }
    if (request.subtype !== 'interrupt') {
      say({ type: 'control_response', response: { subtype: 'success', request_id } })
    } else if (!isDeaf) {
      const response = { still_queued: [] }
      say({ type: 'control_response', response: { subtype: 'success', request_id, response } })
      result('', { is_error: true, terminal_reason: 'aborted_streaming' })
    }
  } else if (message.type === 'control_response') {
    const { error, response, request_id } = message.response
    if (results.has(request_id)) takeResult(request_id, response)
    else result(error ?? JSON.stringify(response))
  } else obey(message.message.content)
})
input.on('close', () => process.exit(0))
