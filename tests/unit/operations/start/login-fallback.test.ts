import t from 'tap'
import { Settings } from '../../../../src/config/settings.ts'
import { mayFallBack, refuseFallback } from '../../../../src/operations/start/login-fallback.ts'

const key = { ANTHROPIC_API_KEY: 'sk-ant-api03-abcd' }
const refuse = (values: object, canAsk: boolean, credentials: string | null) => () =>
  refuseFallback(
    { settings: Settings.parse(values), canAsk, root: '/checkout' },
    credentials === null ? null : { stack: 'claude-secure-app-1f2e3d4c', credentials },
  )

t.test('only a start without a credential and without a choice may become a login', async t => {
  t.equal(mayFallBack(Settings.parse({})), true)
  t.equal(mayFallBack(Settings.parse(key)), false)
  t.equal(mayFallBack(Settings.parse({ CREDENTIALS: 'direct' })), false)
  t.equal(mayFallBack(Settings.parse({ CREDENTIALS: 'gateway' })), false)
})

t.test('without a terminal only a stack in login mode stays in it', async t => {
  const error = t.throws(refuse({}, false, null), { name: 'UserError' })
  t.match(error, {
    message: 'no credential in /checkout/.env or the environment, and no terminal to log in',
  })
  t.throws(refuse({}, false, 'rehearsal'))
  t.doesNotThrow(refuse({}, false, 'login'))
  t.doesNotThrow(refuse({}, true, null))
})

t.test('a call that lost its token does not weaken a stack, terminal or not', async t => {
  for (const mode of ['api-key', 'oauth-token', 'a-later-kind']) {
    for (const canAsk of [true, false]) {
      t.throws(refuse({}, canAsk, mode), {
        message: /claude-secure-app-1f2e3d4c runs with one: a login would replace it/,
      })
    }
  }
})

t.test('a credential or an explicit choice decides by itself', async t => {
  for (const values of [key, { CREDENTIALS: 'direct' }]) {
    for (const mode of [null, 'api-key', 'login']) t.doesNotThrow(refuse(values, false, mode))
  }
})
