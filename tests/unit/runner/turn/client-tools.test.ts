import t from 'tap'
import { ClientTools } from '../../../../src/run/client-tools.ts'
import { createClientTools } from '../../../../src/runner/turn/client-tools.ts'

const add = { name: 'add', description: 'adds', inputSchema: { properties: { a: {} } } }

function served(tools = [add]) {
  const written: { response: { request_id: string; response: { mcp_response: unknown } } }[] = []
  const waiting: boolean[] = []
  const served = createClientTools({
    write: text => written.push(JSON.parse(text)),
    tools,
    onWaiting: isWaiting => waiting.push(isWaiting),
  })
  const ask = (request_id: string, message: object, server_name = 'client') =>
    served.take({
      type: 'control_request',
      request_id,
      request: { subtype: 'mcp_message', server_name, message },
    })
  const call = (id: string) =>
    ask(`request-${id}`, {
      id: 7,
      method: 'tools/call',
      params: { name: 'add', arguments: {}, _meta: { 'claudecode/toolUseId': id } },
    })
  return { ...served, written, waiting, ask, call }
}

const result = (id: string, text: string) => ({
  ...{ id, content: [{ type: 'text' as const, text }], isError: false },
})

t.test('claude is told the tools in MCP’s words', async t => {
  const { ask, written } = served()
  ask('a', { id: 0, method: 'initialize', params: { protocolVersion: '2025-11-25' } })
  ask('b', { method: 'notifications/initialized' })
  ask('c', { id: 1, method: 'tools/list' })
  t.match(written[0]?.response, {
    subtype: 'success',
    request_id: 'a',
    response: {
      mcp_response: { jsonrpc: '2.0', id: 0, result: { protocolVersion: '2025-11-25' } },
    },
  })
  t.match(written[1], { response: { request_id: 'b' } })
  t.match(written[2]?.response.response.mcp_response, {
    id: 1,
    result: {
      tools: [
        { name: 'add', inputSchema: { type: 'object' }, _meta: { 'anthropic/alwaysLoad': true } },
      ],
    },
  })
})

t.test('a call waits for its result, and a result for its call', async t => {
  const { call, deliver, written, waiting } = served()
  call('t1')
  t.same(written, [])
  t.same(waiting, [true])
  t.equal(deliver(result('t2', 'early')), true)
  t.equal(deliver({ ...result('t1', 'late'), isError: true }), true)
  t.same(waiting, [true, false])
  t.match(written[0]?.response, {
    request_id: 'request-t1',
    response: { mcp_response: { id: 7, result: { content: [{ text: 'late' }], isError: true } } },
  })
  call('t2')
  t.match(written[1]?.response.response.mcp_response, { result: { content: [{ text: 'early' }] } })
  t.same(waiting, [true, false], 'nothing had to wait')
})

t.test('a call that claude takes back gets no answer', async t => {
  const { call, take, deliver, written, waiting } = served()
  call('t1')
  t.equal(take({ type: 'control_cancel_request', request_id: 'request-t1' }), false)
  t.same(waiting, [true, false])
  deliver(result('t1', 'x'))
  t.same(written, [])
})

t.test('nothing is answered after the turn, nor for another server', async t => {
  const { call, close, deliver, ask, written } = served()
  t.equal(ask('a', { method: 'ping' }, 'other'), false)
  close()
  t.equal(call('t1'), true)
  t.equal(deliver(result('t1', 'x')), false)
  t.same(written, [])
})

t.test('calls and results are bounded', async t => {
  const { call, written } = served()
  for (let i = 0; i <= 256; i++) call(`t${i}`)
  t.equal(written.length, 1)
  t.match(written[0]?.response.response.mcp_response, { result: { isError: true } })
})

t.test('a tool has a name that the model can call', async t => {
  t.equal(ClientTools.safeParse([add]).success, true)
  for (const tools of [[{ ...add, name: 'a b' }], [{ ...add, name: '' }], [add, add]]) {
    t.equal(ClientTools.safeParse(tools).success, false, JSON.stringify(tools))
  }
})
