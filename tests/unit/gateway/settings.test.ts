import t from 'tap'
import { UserError } from '../../../src/base/errors.ts'
import { parseGatewaySettings } from '../../../src/gateway/settings.ts'

t.test('an empty environment means the real API, through the egress proxy', async t => {
  t.strictSame(parseGatewaySettings({ HOME: '/x' }), {
    GATEWAY_PORT: 8787,
    UPSTREAM_KIND: 'messages',
    UPSTREAM_URL: { origin: 'https://api.anthropic.com', path: '' },
    UPSTREAM_REGION: '',
    UPSTREAM_PROJECT: '',
    TOKEN_URL: 'https://oauth2.googleapis.com',
    MODEL_IDS: new Map(),
    PROXY_URL: 'http://egress:3128',
    CREDENTIAL_FILE: '/run/secrets/credential',
    USAGE_FOLDER: '/var/lib/claude-secure/usage',
    BUDGET_USD_PER_DAY: null,
    CALLED_AS: '',
    LOG_LEVEL: 'info',
  })
})

t.test('the rehearsal is plain http without a proxy', async t => {
  const settings = parseGatewaySettings({ UPSTREAM_URL: 'http://rehearsal:8788', PROXY_URL: '' })
  t.same(settings.UPSTREAM_URL, { origin: 'http://rehearsal:8788', path: '' })
  t.equal(settings.PROXY_URL, '')
})

t.test('an invalid value is refused by name', async t => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ GATEWAY_PORT: '' }, /GATEWAY_PORT must be a port/],
    [{ CALLED_AS: 'a\nb' }, /CALLED_AS must be one line/],
    [{ BUDGET_USD_PER_DAY: 'five' }, /BUDGET_USD_PER_DAY must be empty or a number/],
    [{ BUDGET_USD_PER_DAY: '-1' }, /BUDGET_USD_PER_DAY must be empty or a number/],
    [{ BUDGET_USD_PER_DAY: '1e9' }, /BUDGET_USD_PER_DAY must be empty or a number/],
    [{ USAGE_FOLDER: 'usage' }, /USAGE_FOLDER must be an absolute path/],
    [{ GATEWAY_PORT: '80x' }, /GATEWAY_PORT must be a port/],
    [{ UPSTREAM_URL: 'api.anthropic.com' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_URL: 'https://u:p@api.anthropic.com' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_URL: 'https://api.anthropic.com/v1?x=1' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_URL: 'https://api.anthropic.com/v1/../x' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_URL: 'https://api.anthropic.com/%2e' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_URL: 'https://api.anthropic.com//v1' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_KIND: 'foundry' }, /UPSTREAM_KIND must be messages, bedrock or vertex/],
    [{ UPSTREAM_KIND: 'bedrock' }, /UPSTREAM_REGION must be set/],
    [{ UPSTREAM_KIND: 'vertex', UPSTREAM_REGION: 'us-east5' }, /UPSTREAM_PROJECT must be set/],
    [{ UPSTREAM_REGION: '../x' }, /UPSTREAM_REGION must be a name/],
    [{ MODEL_IDS: 'a=b c' }, /MODEL_IDS must be a list of name=id/],
    [{ UPSTREAM_URL: 'ftp://api.anthropic.com' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_URL: 'http://api.anthropic.com' }, /UPSTREAM_URL must be https/],
    [{ PROXY_URL: 'socks5://egress:1080' }, /PROXY_URL must be/],
    [{ CREDENTIAL_FILE: 'credential' }, /CREDENTIAL_FILE must be an absolute path/],
    [{ LOG_LEVEL: 'trace' }, /LOG_LEVEL must be/],
  ]
  for (const [env, message] of wrong) {
    t.throws(() => parseGatewaySettings(env), message, JSON.stringify(env))
    t.throws(() => parseGatewaySettings(env), UserError)
  }
})

t.test('a budget is a number of dollars; empty means none', async t => {
  t.equal(parseGatewaySettings({ BUDGET_USD_PER_DAY: '12.50' }).BUDGET_USD_PER_DAY, 12.5)
  t.equal(parseGatewaySettings({ BUDGET_USD_PER_DAY: '' }).BUDGET_USD_PER_DAY, null)
  t.equal(parseGatewaySettings({ BUDGET_USD_PER_DAY: '0' }).BUDGET_USD_PER_DAY, 0)
})

t.test('a company serves the API below a path, and a trailing slash changes nothing', async t => {
  for (const end of ['', '/']) {
    t.same(
      parseGatewaySettings({ UPSTREAM_URL: `https://llm.corp.example/a/b${end}` }).UPSTREAM_URL,
      {
        origin: 'https://llm.corp.example',
        path: '/a/b',
      },
    )
  }
})

t.test('a cloud service has a region, ids of models, and at Google a project', async t => {
  const settings = parseGatewaySettings({
    UPSTREAM_KIND: 'vertex',
    UPSTREAM_URL: 'https://us-east5-aiplatform.googleapis.com',
    UPSTREAM_REGION: 'us-east5',
    UPSTREAM_PROJECT: 'my-project',
    MODEL_IDS: 'claude-opus-5-5=claude-opus-5-5@20261101',
  })
  t.match(settings, { UPSTREAM_REGION: 'us-east5', UPSTREAM_PROJECT: 'my-project' })
  t.equal(settings.MODEL_IDS.get('claude-opus-5-5'), 'claude-opus-5-5@20261101')
})
