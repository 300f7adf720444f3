import t from 'tap'
import { modelRoute } from '../../../../src/gateway/http/routes.ts'

t.test('the model routes are served, with plain parameters', async t => {
  t.equal(modelRoute('HEAD', '/'), 'health')
  t.equal(modelRoute('POST', '/v1/messages'), 'messages')
  t.equal(modelRoute('POST', '/v1/messages?beta=true'), 'messages')
  t.equal(modelRoute('POST', '/v1/messages/count_tokens?beta=true'), 'count-tokens')
})

t.test('no other method and no other spelling of a path is served', async t => {
  const others = [
    ['GET', '/'],
    ['GET', '/v1/messages'],
    ['PUT', '/v1/messages'],
    ['HEAD', '/v1/messages'],
    ['POST', '/'],
    ['POST', '/v1/files'],
    ['POST', '/v1/messages/'],
    ['POST', '/v1/messages/batches'],
    ['POST', '//v1/messages'],
    ['POST', '/v1//messages'],
    ['POST', '/v1/messages/../files'],
    ['POST', '/v1/./messages'],
    ['POST', '/v1/messages%2f..%2ffiles'],
    ['POST', '/v1/%6dessages'],
    ['POST', '/V1/messages'],
    ['POST', '/v1/messages;x'],
    ['POST', '/v1/messages#x'],
    ['POST', '\\v1\\messages'],
    ['POST', 'http://api.anthropic.com/v1/messages'],
    ['POST', 'api.anthropic.com:443'],
    ['POST', '*'],
    ['POST', ''],
    ['post', '/v1/messages'],
  ] as const
  for (const [method, target] of others) {
    t.equal(modelRoute(method, target), undefined, `${method} ${target}`)
  }
})

t.test('a query that is encoded, long or strange is not served', async t => {
  for (const query of ['a=%2e', 'a b', 'a?b', '/../files', 'a=\u0000', `a=${'b'.repeat(300)}`]) {
    t.equal(modelRoute('POST', `/v1/messages?${query}`), undefined, JSON.stringify(query))
  }
})
