import t from 'tap'
import { Settings } from '../../../src/config/settings.ts'
import {
  credentialFile,
  credentialMode,
  hasCredential,
  placeholderVariable,
  tenantCallers,
  weakness,
} from '../../../src/stack/credential.ts'

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

const company = { ANTHROPIC_BASE_URL: 'https://llm.corp.example' }
const bedrock = { CLAUDE_CODE_USE_BEDROCK: '1', AWS_REGION: 'us-east-1' }
const vertex = {
  CLAUDE_CODE_USE_VERTEX: '1',
  CLOUD_ML_REGION: 'us-east5',
  ANTHROPIC_VERTEX_PROJECT_ID: 'my-project',
}
const accessKey = { AWS_ACCESS_KEY_ID: 'AKIA', AWS_SECRET_ACCESS_KEY: 's', AWS_SESSION_TOKEN: 't' }

t.test('an upstream takes its own kinds of credential', async t => {
  for (const [values, mode] of [
    [{ ...company, ANTHROPIC_API_KEY: 'k' }, 'api-key'],
    [{ ...company, ANTHROPIC_AUTH_TOKEN: 'b' }, 'bearer'],
    [{ ...bedrock, ...accessKey, ANTHROPIC_API_KEY: 'k' }, 'bedrock'],
    [{ ...bedrock, AWS_BEARER_TOKEN_BEDROCK: 'b' }, 'bedrock'],
    [{ ...vertex, GOOGLE_APPLICATION_CREDENTIALS: '/k' }, 'vertex'],
  ] as const) {
    t.equal(credentialMode(settings(values)), mode)
  }
  for (const [values, message] of [
    [company, /ANTHROPIC_BASE_URL=https:\/\/llm\.corp\.example has no credential/],
    [{ ...company, CLAUDE_CODE_OAUTH_TOKEN: 't' }, /has no credential/],
    [{ ...company, ANTHROPIC_API_KEY: 'k', ANTHROPIC_AUTH_TOKEN: 'b' }, /cannot be combined/],
    [bedrock, /CLAUDE_CODE_USE_BEDROCK=1 has no credential/],
    [{ ...bedrock, AWS_ACCESS_KEY_ID: 'AKIA' }, /has no credential/],
    [vertex, /CLAUDE_CODE_USE_VERTEX=1 has no credential/],
    [
      { ...bedrock, CREDENTIALS: 'direct' },
      /CREDENTIALS=direct cannot be combined with CLAUDE_CODE_USE_B/,
    ],
  ] as const) {
    t.throws(() => credentialMode(settings(values)), { name: 'UserError', message })
    t.equal(hasCredential(settings(values)), true, 'never a reason to fall back to a login')
  }
})

t.test('the file has what the upstream needs, and the placeholder is an API key', async t => {
  const file = (mode: 'bearer' | 'bedrock' | 'vertex', values: object) =>
    credentialFile(mode, settings(values), null, { clientEmail: 'a@b', privateKey: 'PEM' })
  const found = [
    file('bearer', { ANTHROPIC_AUTH_TOKEN: 'b' }),
    file('bedrock', accessKey),
    file('bedrock', { ...accessKey, AWS_BEARER_TOKEN_BEDROCK: 'abk' }),
    file('vertex', {}),
  ]
  t.match(found, [
    { kind: 'bearer', secret: 'b' },
    { kind: 'aws-key', accessKeyId: 'AKIA', secret: 's', sessionToken: 't' },
    { kind: 'bearer', secret: 'abk' },
    { kind: 'google-key', clientEmail: 'a@b', secret: 'PEM' },
  ])
  for (const { kind, placeholder } of found) {
    t.match(placeholder, /^sk-ant-api03-placeholder-/)
    t.equal(placeholderVariable(kind), 'ANTHROPIC_API_KEY')
  }
  const [before = null] = found
  t.equal(
    credentialFile('api-key', settings({ ANTHROPIC_API_KEY: 'k' }), before).placeholder,
    before?.placeholder,
  )
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

t.test('each tenant gets a placeholder and a key of its own, and keeps them', async t => {
  const file = credentialFile('api-key', settings({ ANTHROPIC_API_KEY: 'k' }), null)
  const blue = { name: 'blue', budget: { tokensPerDay: 10 } }
  const red = { name: 'red', budget: {} }
  const first = tenantCallers([blue, red], file, null)
  const all = first.flatMap(({ placeholder, meterKey }) => [placeholder, meterKey])
  t.equal(new Set([...all, file.placeholder]).size, 5)
  t.match(first, [
    { tenant: 'blue', placeholder: /^sk-ant-api03-placeholder-/, meterKey: /^[\w-]{43}$/ },
    { tenant: 'red', budget: {} },
  ])
  const raised = { ...blue, budget: { tokensPerDay: 20 } }
  const next = tenantCallers([raised], file, { ...file, callers: first })
  t.strictSame(next, [{ ...first[0], budget: { tokensPerDay: 20 } }])
  const oauth = credentialFile('oauth-token', settings({ CLAUDE_CODE_OAUTH_TOKEN: 'x' }), file)
  const other = tenantCallers([blue], oauth, { ...file, callers: first })
  t.match(other, [{ placeholder: /^sk-ant-oat01-placeholder-/ }], 'of the kind of the credential')
})
