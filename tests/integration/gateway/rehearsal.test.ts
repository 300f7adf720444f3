import t from 'tap'
import { request } from 'undici'
import { messagesApi } from '../../../src/gateway/rehearsal/messages-api.ts'
import { rehearsalReply } from '../../../src/gateway/rehearsal/script.ts'
import { startOrigin } from './fixture.ts'

const url = await startOrigin(t, messagesApi({ reply: rehearsalReply }))

async function send(path: string, body: string, method: 'POST' | 'GET' = 'POST') {
  const answer = await request(url + path, { method, body: method === 'GET' ? undefined : body })
  return { status: answer.statusCode, text: await answer.body.text() }
}

t.test('a stream is a tool call, and then the content of the file', async t => {
  const messages: unknown[] = [{ role: 'user', content: 'Read welcome.txt' }]
  const ask = () =>
    send(
      '/v1/messages?beta=true',
      JSON.stringify({ stream: true, messages, tools: [{ name: 'Read' }] }),
    )
  const call = await ask()
  t.match(call.text, /event: content_block_start\ndata: .*"name":"Read"/)
  t.match(call.text, /\\"file_path\\":\\"\/workspace\/welcome\.txt\\"/)
  t.match(call.text, /"stop_reason":"tool_use"/)
  messages.push({
    role: 'user',
    content: [{ type: 'tool_result', tool_use_id: 'x', content: '     1→Welcome aboard' }],
  })
  const answer = await ask()
  t.match(answer.text, /"text":"Welcome /)
  t.match(answer.text, /event: message_stop\n/)
})

t.test('nothing that is sent to it breaks it', async t => {
  t.equal((await send('/v1/messages', 'no JSON')).status, 400)
  t.equal((await send('/v1/messages', '[]')).status, 400)
  t.equal((await send('/v1/messages', '{"messages":[{"role":"user","content":5}]}')).status, 400)
  t.equal((await send('/v1/messages', '{}')).status, 200)
  t.equal((await send('/v1/models', '', 'GET')).status, 404)
  t.match(await send('/v1/messages/count_tokens', 'x'.repeat(400)), {
    status: 200,
    text: '{"input_tokens":100}',
  })
})
