import t from 'tap'
import {
  messageEvents,
  renderEvent,
  wholeMessage,
} from '../../../../src/gateway/rehearsal/reply.ts'

t.test('a text streams in the order of the real API', async t => {
  const blocks = [{ type: 'text' as const, deltas: ['Hello ', 'world'] }]
  const events = [...messageEvents({ model: 'm', blocks, inputTokens: 7 })]
  t.strictSame(
    events.map(({ type }) => type),
    [
      ...['message_start', 'ping', 'content_block_start'],
      ...['content_block_delta', 'content_block_delta', 'content_block_stop'],
      ...['message_delta', 'message_stop'],
    ],
  )
  t.match(events[0], { message: { model: 'm', role: 'assistant', usage: { input_tokens: 7 } } })
  t.match(events[4], { index: 0, delta: { type: 'text_delta', text: 'world' } })
  t.match(events[6], { delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } })
})

t.test('a tool call streams its input as pieces of JSON', async t => {
  const input = { file_path: '/workspace/a.txt' }
  const blocks = [{ type: 'tool_use' as const, name: 'Read', input }]
  const events = [...messageEvents({ model: 'm', blocks, inputTokens: 1 })]
  t.match(events[2], { content_block: { type: 'tool_use', name: 'Read', id: /^toolu_/ } })
  const json = events.map(event => event.delta as { partial_json?: string } | undefined)
  t.strictSame(JSON.parse(json.map(delta => delta?.partial_json ?? '').join('')), input)
  t.match(events.at(-2), { delta: { stop_reason: 'tool_use' } })
})

t.test('a reply can override its usage', async t => {
  const blocks = [{ type: 'text' as const, deltas: ['x'] }]
  const usage = { cache_read_input_tokens: 9, output_tokens: 5 }
  const message = { model: 'm', blocks, inputTokens: 7, usage }
  const events = [...messageEvents(message)]
  t.match(events[0], { message: { usage: { input_tokens: 7, cache_read_input_tokens: 9 } } })
  t.match(events.at(-2), { usage: { output_tokens: 5 } })
  t.match(wholeMessage(message), { usage })
})

t.test('the same answer is available in one piece', async t => {
  const blocks = [{ type: 'text' as const, deltas: ['Hello ', 'world'] }]
  t.match(wholeMessage({ model: 'm', blocks, inputTokens: 7 }), {
    content: [{ type: 'text', text: 'Hello world' }],
    stop_reason: 'end_turn',
  })
})

t.test('an event is framed as a server-sent event', async t => {
  t.equal(renderEvent({ type: 'ping' }), 'event: ping\ndata: {"type":"ping"}\n\n')
})
