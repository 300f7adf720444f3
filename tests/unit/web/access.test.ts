import t from 'tap'
import { bearerOf, createAccess, protocolToken } from '../../../src/web/access.ts'

t.test('each process has a token of 256 bits, and admits no other', async t => {
  const [one, other] = [createAccess(), createAccess()]
  t.match(one.token, /^[\w-]{43}$/)
  t.not(one.token, other.token)
  t.ok(one.admits(one.token))
  for (const wrong of [other.token, '', undefined, one.token.slice(1), `${one.token} `]) {
    t.notOk(one.admits(wrong))
  }
})

t.test('a token is read from where the page puts it, and from nowhere else', async t => {
  t.equal(bearerOf('Bearer abc'), 'abc')
  for (const wrong of [undefined, 'Bearer  abc', 'bearer abc', 'Bearer a b', 'abc', 'Bearer a,b']) {
    t.equal(bearerOf(wrong), undefined)
  }
  t.equal(protocolToken('claude-secure, token.abc'), 'abc')
  for (const wrong of [
    undefined,
    'claude-secure',
    'token.abc, claude-secure',
    'claude-secure, abc',
    'claude-secure, token.a, token.b',
    'claude-secure, token.a b',
  ]) {
    t.equal(protocolToken(wrong), undefined, `${wrong}`)
  }
})
