import t from 'tap'
import { Settings } from '../../../src/config/settings.ts'
import { credentialFile, credentialMode, weakness } from '../../../src/stack/credential.ts'

const settings = (values: object) => Settings.parse(values)

t.test('the mode follows from what is set', async t => {
  t.equal(credentialMode(settings({})), 'login')
  t.equal(credentialMode(settings({ ANTHROPIC_API_KEY: 'k' })), 'api-key')
  t.equal(credentialMode(settings({ CLAUDE_CODE_OAUTH_TOKEN: 't' })), 'oauth-token')
  t.equal(
    credentialMode(settings({ ANTHROPIC_API_KEY: 'k', CLAUDE_CODE_OAUTH_TOKEN: 't' })),
    'api-key',
  )
  t.equal(credentialMode(settings({ CREDENTIALS: 'direct' })), 'login')
})

t.test('gateway custody requires a credential', async t => {
  t.throws(() => credentialMode(settings({ CREDENTIALS: 'gateway' })), {
    message: 'CREDENTIALS=gateway, but there is no credential for the gateway',
  })
  t.equal(credentialMode(settings({ CREDENTIALS: 'gateway', ANTHROPIC_API_KEY: 'k' })), 'api-key')
})

t.test('direct custody and a key contradict each other', async t => {
  t.throws(() => credentialMode(settings({ CREDENTIALS: 'direct', ANTHROPIC_API_KEY: 'k' })), {
    message: /CREDENTIALS=direct cannot be combined with ANTHROPIC_API_KEY/,
  })
})

t.test('the placeholder is of the kind of the secret, and never the secret', async t => {
  const key = credentialFile('api-key', settings({ ANTHROPIC_API_KEY: 'sk-ant-api03-real' }), null)
  t.match(key, {
    kind: 'api-key',
    secret: 'sk-ant-api03-real',
    placeholder: /^sk-ant-api03-placeholder-/,
  })
  const token = credentialFile(
    'oauth-token',
    settings({ CLAUDE_CODE_OAUTH_TOKEN: 'sk-real' }),
    null,
  )
  t.match(token, {
    kind: 'oauth-token',
    secret: 'sk-real',
    placeholder: /^sk-ant-oat01-placeholder-/,
  })
  t.notMatch(token.placeholder, /real/)
})

t.test(
  'a stack keeps its placeholder when the secret is replaced, so that sessions go on',
  async t => {
    const first = credentialFile('api-key', settings({ ANTHROPIC_API_KEY: 'old' }), null)
    const second = credentialFile('api-key', settings({ ANTHROPIC_API_KEY: 'new' }), first)
    t.equal(second.placeholder, first.placeholder)
    t.equal(second.secret, 'new')
    const other = credentialFile('oauth-token', settings({ CLAUDE_CODE_OAUTH_TOKEN: 'x' }), first)
    t.not(other.placeholder, first.placeholder)
  },
)

t.test('two stacks have different placeholders', async t => {
  const make = () => credentialFile('rehearsal', settings({}), null).placeholder
  t.not(make(), make())
})

t.test('status can say what a mode weakens', async t => {
  t.equal(weakness('api-key'), null)
  t.equal(weakness('oauth-token'), null)
  t.match(weakness('login'), /agent/)
})
