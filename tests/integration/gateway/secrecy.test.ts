import { writeFileSync } from 'node:fs'
import t from 'tap'
import { request } from 'undici'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { apiKey, genuine, sendRaw, sentinel, startGateway } from './fixture.ts'

t.test('neither prompt nor key nor placeholder is ever logged or answered', async t => {
  const standIn = await startStandIn()
  t.teardown(() => standIn.close())
  const gateway = await startGateway(t, { upstream: standIn.httpUrl })
  const dead = await startGateway(t, { upstream: 'http://127.0.0.1:1' })
  const answers: string[] = []
  const post = async (url: string, path: string, prompt: string, headers: object = genuine) => {
    const body = JSON.stringify({ messages: [{ role: 'user', content: `PROMPT ${prompt}` }] })
    const answer = await request(url + path, {
      method: 'POST',
      headers: { ...headers, 'anthropic-x': 'HEADER' },
      body,
    })
    answers.push(JSON.stringify(answer.headers), await answer.body.text())
  }
  await post(gateway.url, '/v1/messages', '[[say hi]]')
  await post(gateway.url, '/v1/messages', '[[error 401]]')
  await post(gateway.url, '/v1/messages', '[[drop 0]]').catch(() => {})
  await post(gateway.url, '/v1/files', 'x')
  await post(gateway.url, '/v1/messages', 'x', { 'x-api-key': 'FOREIGN-key-of-somebody' })
  await post(dead.url, '/v1/messages', 'x')
  writeFileSync(gateway.credentialFile, JSON.stringify({ ...apiKey, kind: sentinel }))
  await post(gateway.url, '/v1/messages', 'x')
  answers.push(
    await sendRaw(gateway.port, 'POST /PROMPT\u0001 HTTP/1.1\r\nFOREIGN: HEADER\r\n\r\n'),
  )

  t.ok(
    standIn.requests.some(seen => seen.rawHeaders.includes(apiKey.secret)),
    'it was in use',
  )
  const logged = JSON.stringify([gateway.events, dead.events])
  for (const word of [sentinel, genuine['x-api-key'], 'PROMPT', 'FOREIGN', 'HEADER']) {
    t.notMatch(logged, word, `${word} is not logged`)
    t.notMatch(answers.join('\n'), word, `${word} is not answered`)
  }
})
