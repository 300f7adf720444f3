import type { IncomingMessage, ServerResponse } from 'node:http'
import t, { type Test } from 'tap'
import { Agent } from 'undici'
import { findForge } from '../../../../src/git/forge/find-forge.ts'
import { createForgeClient } from '../../../../src/git/forge/forge-client.ts'
import { createForgeRepository } from '../../../../src/git/forge/forge-repository.ts'
import { parseRemoteUrl } from '../../../../src/git/remote-url.ts'
import { startForge } from '../../../support/forge/forge-stand-in.ts'

const secret = 'a-secret-token'

async function server(
  t: Test,
  answer: (request: IncomingMessage, response: ServerResponse) => void,
) {
  const forge = await startForge(t, {
    kind: 'github',
    before: (request, response) => {
      answer(request, response)
      return true
    },
  })
  const forgeFound = await findForge(parseRemoteUrl(forge.remote), { kind: 'github' })
  if (!forgeFound) throw new Error('no forge')
  const repository = createForgeRepository(forgeFound, {
    login: async () => ({ user: 'ada', token: secret }),
  })
  return { ...forge, repository }
}

t.test('a redirect to another host gets no token and is refused', async t => {
  const other = await startForge(t, { kind: 'github' })
  for (const status of [301, 302, 307, 308]) {
    const { repository } = await server(t, (request, response) => {
      response.writeHead(status, { location: `${other.origin}${request.url}` }).end('{}')
    })
    await t.rejects(repository.defaultBranch(), { message: /redirects to 127.*gets no token/ })
  }
  t.equal(other.seen.length, 0)
})

t.test('redirects that never end are refused', async t => {
  let count = 0
  const { repository } = await server(t, (request, response) => {
    count++
    response.writeHead(301, { location: `${request.url}x` }).end()
  })
  await t.rejects(repository.defaultBranch(), { message: /redirects/ })
  t.ok(count < 10)
})

t.test('an answer that is too large, that is not JSON or has another shape is refused', async t => {
  const large = await server(t, (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    response.write('[')
    const more = () => {
      while (response.write('0,'.repeat(32_768))) {}
      response.once('drain', more)
    }
    more()
  })
  await t.rejects(large.repository.defaultBranch(), { message: /cannot reach 127/ })
  for (const body of ['<html>\x1b[2J', '[]', '{"default_branch":7}', 'null']) {
    const { repository } = await server(t, (_, response) => void response.end(body))
    await t.rejects(repository.defaultBranch(), { message: /gave an unknown answer/ })
  }
})

t.test("a forge's texts reach no terminal with their escapes", async t => {
  for (const [status, body] of [
    [500, { message: 'down\x1b]0;owned\x07\u202e' }],
    [404, '<html>\x1b[2J'],
    [403, { message: ['a\x1b[2J', { b: ['c\x07'] }] }],
    [418, { error: { deep: 'd\x1b[31m' } }],
    [422, { errors: [{ field: '\x1b[2Jf', code: 'invalid' }] }],
  ] as const) {
    const { repository } = await server(t, (_, response) => {
      response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))
    })
    const error = await repository.defaultBranch().catch(error => error)
    t.match(error.message, new RegExp(`${status}`))
    t.ok(error.hint)
    t.notMatch(`${error.message}${error.hint}`, /[\x00-\x1f\x7f-\x9f\u202e]/)
  }
})

t.test('an address of another host or kind is not shown as the page', async t => {
  for (const page of [
    'https://evil.test/ada',
    'javascript:alert(1)',
    'http://a:b@127.0.0.1/',
    'x\x1b[2J',
  ]) {
    const { repository, origin } = await server(t, (_, response) => {
      const side = { ref: 'x', sha: 'b'.repeat(40), repo: { full_name: 'ada/tools' } }
      const pull = { number: 4, html_url: page, title: 't', state: 'open', base: side, head: side }
      response.end(JSON.stringify(pull))
    })
    t.equal((await repository.fetch(4)).url, `${origin}/ada/tools/pull/4`)
  }
})

t.test('the token is in no error, and a broken one is not sent', async t => {
  const forge = await startForge(t, { kind: 'github' })
  for (const token of [`${secret}\r\nx-evil: 1`, `${secret}é`, `"${secret} "`, '']) {
    const call = createForgeClient({ api: `${forge.origin}/api/v3`, token: async () => token })
    const error = await call('GET', '/meta').catch(error => error)
    t.match(error, { message: /characters that a token cannot have/ })
    t.notMatch(JSON.stringify([error.message, error.hint, error.stack]), /a-secret/)
  }
  t.equal(forge.seen.length, 0)
  const refused = await server(t, (request, response) => {
    response.writeHead(401).end(JSON.stringify({ message: 'Bad credentials' }))
    t.equal(request.headers.authorization, `Bearer ${secret}`)
  })
  const error = await refused.repository.defaultBranch().catch(error => error)
  t.notMatch(JSON.stringify([error.message, error.hint, error.stack]), /a-secret/)
})

t.test('a token goes over https, or to this machine', async t => {
  const call = createForgeClient({
    api: 'http://forge.example/api/v3',
    token: async () => secret,
    dispatcher: new Agent(),
  })
  await t.rejects(call('GET', '/meta'), { message: /everyone can read a token/, hint: /https/ })
})

t.test('a host without an answer, and one that is too slow, say so', async t => {
  const token = async () => null
  const dead = createForgeClient({
    api: 'http://127.0.0.1:9/api/v3',
    token,
    dispatcher: new Agent(),
  })
  await t.rejects(dead('GET', '/meta'), { message: /cannot reach 127.0.0.1:9 \(ECONNREFUSED\)/ })
  const slow = await startForge(t, { kind: 'github', before: () => true })
  const call = createForgeClient({ api: slow.origin, token, timeout: 50, dispatcher: new Agent() })
  await t.rejects(call('GET', '/meta'), { message: /did not answer within 0.05 s/ })
})

t.test('a caller that stops ends the request', async t => {
  const stop = new AbortController()
  const slow = await startForge(t, {
    kind: 'github',
    before: () => {
      stop.abort(new Error('stopped'))
      return true
    },
  })
  const call = createForgeClient({ api: slow.origin, signal: stop.signal, dispatcher: new Agent() })
  await t.rejects(call('GET', '/meta'), { message: 'stopped' })
})
