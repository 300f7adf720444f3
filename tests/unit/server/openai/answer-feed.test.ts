import t from 'tap'
import type { RunEvent } from '../../../../src/run/result.ts'
import { createAnswerFeed } from '../../../../src/server/openai/answer-feed.ts'

const claude = (message: { type: string; [more: string]: unknown }): RunEvent => ({
  ...{ kind: 'claude', seq: 1, at: '' },
  message: { parent_tool_use_id: null, ...message },
})
const streamed = (event: object, more: object = {}) =>
  claude({ type: 'stream_event', event, ...more })
const block = (id: string, name: string, input: object = {}) => ({
  ...{ type: 'tool_use', id, name, input },
})
const begin = (index: number, content_block: object) =>
  streamed({ type: 'content_block_start', index, content_block })
const input = (index: number, partial_json: string) =>
  streamed({
    ...{ type: 'content_block_delta', index },
    delta: { type: 'input_json_delta', partial_json },
  })
const whole = (content: object[], stop_reason: string | null = null) =>
  claude({ type: 'assistant', message: { content, stop_reason } })
const stop = streamed({ type: 'message_stop' })

const piecesOf = (events: readonly RunEvent[]) => {
  const feed = createAnswerFeed()
  return events.flatMap(feed.take)
}

t.test('only the tools of the client are calls', async t => {
  const own = block('t0', 'Bash')
  const other = block('t1', 'mcp__other__add')
  t.same(piecesOf([begin(0, own), begin(1, other), input(0, '{}'), whole([own, other]), stop]), [])
  const subagent = { parent_tool_use_id: 'toolu_1' }
  const call = { type: 'content_block_start', content_block: block('t2', 'mcp__client__add') }
  t.same(piecesOf([streamed(call, subagent), stop]), [])
})

t.test('calls of one message come in pieces, and the pause has them whole', async t => {
  const one = block('t1', 'mcp__client__a', { x: 1 })
  const two = block('t2', 'mcp__client__b')
  const pieces = piecesOf([
    streamed({ type: 'message_start', message: { usage: { input_tokens: 5, output_tokens: 1 } } }),
    ...[begin(1, { ...one, input: {} }), input(1, '{"x"'), input(1, ':1}'), whole([one])],
    ...[begin(2, two), input(2, ''), whole([two])],
    streamed({ type: 'message_delta', delta: {}, usage: { output_tokens: 9 } }),
    stop,
  ])
  t.match(pieces, [
    { kind: 'call', index: 0, id: 't1', name: 'a' },
    { kind: 'arguments', index: 0, text: '{"x"' },
    { kind: 'arguments', index: 0, text: ':1}' },
    { kind: 'call', index: 1, id: 't2', name: 'b' },
    { kind: 'arguments', index: 1, text: '{}' },
    {
      kind: 'pause',
      calls: [{ arguments: '{"x":1}' }, { arguments: '{}' }],
      tokens: { input: 5, output: 9 },
    },
  ])
  t.equal(pieces.length, 6)
})

t.test('a message that did not come in pieces pauses too', async t => {
  const one = block('t1', 'mcp__client__a', { x: 1 })
  t.match(piecesOf([whole([{ type: 'text', text: 'so' }, one], 'tool_use')]), [
    { kind: 'text', text: 'so' },
    { kind: 'call', id: 't1' },
    { kind: 'arguments', text: '{"x":1}' },
    { kind: 'pause', calls: [{ id: 't1' }] },
  ])
})

t.test('a message without a call does not pause', async t => {
  t.same(piecesOf([stop, whole([], 'tool_use')]), [])
})
