import { rmSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { request } from 'undici'
import { startStandIn } from '../../support/messages-api/stand-in.ts'
import { apiKey, genuine, placeholder, sentinel, startGateway } from './fixture.ts'

const standIn = await startStandIn({ defaults: { text: 'hello' } })
t.teardown(() => standIn.close())

const post = async (url: string, headers: Record<string, string>) => {
  const answer = await request(`${url}/v1/messages`, { method: 'POST', headers, body: '{}' })
  return { status: answer.statusCode, text: await answer.body.text(), headers: answer.headers }
}

t.test('a new credential is used from the next request on, of the other kind, too', async t => {
  const { url, credentialFile } = await startGateway(t, { upstream: standIn.httpUrl })
  t.equal((await post(url, genuine)).status, 200)
  t.match(standIn.requests.at(-1)?.rawHeaders.join('\n'), `x-api-key\n${apiKey.secret}`)
  const next = { kind: 'oauth-token', secret: `${sentinel}-next`, placeholder: `${placeholder}-2` }
  writeFileSync(credentialFile, JSON.stringify(next))
  t.equal((await post(url, genuine)).status, 403, 'the old placeholder is worth nothing')
  const bearer = { authorization: `Bearer ${placeholder}-2` }
  t.equal((await post(url, bearer)).status, 200)
  t.match(standIn.requests.at(-1)?.rawHeaders.join('\n'), `Bearer ${sentinel}-next`)
})

t.test('without a usable credential nothing is passed, and the answer says what to do', async t => {
  const { url, credentialFile } = await startGateway(t, { upstream: standIn.httpUrl })
  t.equal((await post(url, genuine)).status, 200)
  const before = standIn.requests.length
  for (const spoil of [
    () => writeFileSync(credentialFile, `{"secret":"${sentinel}"`),
    () => rmSync(credentialFile),
  ]) {
    spoil()
    const { status, text, headers } = await post(url, genuine)
    t.equal(status, 503)
    t.match(text, /"type":"api_error"/)
    t.match(text, /set ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN/)
    t.notMatch(text, sentinel)
    t.equal(headers['x-should-retry'], 'false')
    t.equal((await request(url, { method: 'HEAD' })).statusCode, 503, 'nor is it healthy')
  }
  t.equal(standIn.requests.length, before)
  writeFileSync(credentialFile, JSON.stringify(apiKey))
  t.equal((await post(url, genuine)).status, 200, 'and it serves again by itself')
})
