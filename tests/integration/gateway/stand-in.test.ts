import t from 'tap'
import { request } from 'undici'
import { startStandIn } from '../../support/messages-api/stand-in.ts'

const standIn = await startStandIn()
t.teardown(() => standIn.close())

async function ask(content: unknown, more: object = {}) {
  const messages = Array.isArray(content) ? content : [{ role: 'user', content }]
  const answer = await request(`${standIn.httpUrl}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({ messages, ...more }),
  })
  return { status: answer.statusCode, text: await answer.body.text() }
}

t.test('a prompt directs its answer', async t => {
  t.match((await ask('[[say well done]]')).text, '"text":"well done"')
  t.match((await ask('[[stream 3 0 4]]')).text, '"text":"0 ..1 ..2 .."')
  t.match((await ask('[[bash echo hi; ls]]')).text, '"command":"echo hi; ls"')
  t.match((await ask('[[read /a b]]')).text, '"file_path":"/a b"')
  t.match(await ask('[[error 529]]'), { status: 529, text: /overloaded_error/ })
  t.match(await ask('[[sya]]'), { status: 500, text: /unknown directive \[\[sya]]/ })
  t.match((await ask('no directive')).text, 'Rehearsal')
})

t.test('tools are called one after the other, and their results are the answer', async t => {
  const result = (content: string) => ({
    role: 'user',
    content: [{ type: 'tool_result', tool_use_id: 'x', content }],
  })
  const prompt = { role: 'user', content: '[[bash one]] [[read /two]]' }
  t.match((await ask([prompt])).text, '"command":"one"')
  t.match((await ask([prompt, result('ONE')])).text, '"file_path":"/two"')
  t.match((await ask([prompt, result('ONE'), result('TWO')])).text, '"text":"ONE\\nTWO\\n"')
})

t.test('trouble can be made to pass', async t => {
  const statuses = [1, 2, 3].map(() => ask('[[error 503 2]] [[say at last]]'))
  t.strictSame((await Promise.all(statuses)).map(({ status }) => status).sort(), [200, 503, 503])
  const cut = () => ask('[[drop 1 1]] [[stream 3 0]]', { stream: true })
  await t.rejects(cut())
  t.match((await cut()).text, 'message_stop')
})

t.test('it tells what it saw, and takes orders for all requests', async t => {
  const control = (method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string) =>
    request(standIn.httpUrl + path, { method, body })
  await control('DELETE', '/__requests')
  await control('PUT', '/__defaults', '{"text":"as ordered"}')
  t.match((await ask('hello')).text, 'as ordered')
  const seen = await (await control('GET', '/__requests')).body.json()
  t.match(seen, [{ method: 'POST', path: '/v1/messages', outcome: 'done', rawHeaders: Array }])
  await control('PUT', '/__defaults', '{"errorStatus":401}')
  t.equal((await ask('hello')).status, 401)
})
