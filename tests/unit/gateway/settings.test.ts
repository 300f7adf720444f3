import t from 'tap'
import { UserError } from '../../../src/base/errors.ts'
import { parseGatewaySettings } from '../../../src/gateway/settings.ts'

t.test('an empty environment means the real API, through the egress proxy', async t => {
  t.strictSame(parseGatewaySettings({ HOME: '/x' }), {
    GATEWAY_PORT: 8787,
    UPSTREAM_URL: 'https://api.anthropic.com',
    PROXY_URL: 'http://egress:3128',
    CREDENTIAL_FILE: '/run/secrets/credential',
    USAGE_FOLDER: '/var/lib/claude-secure/usage',
    BUDGET_USD_PER_DAY: null,
    LOG_LEVEL: 'info',
  })
})

t.test('the rehearsal is plain http without a proxy', async t => {
  const settings = parseGatewaySettings({ UPSTREAM_URL: 'http://rehearsal:8788', PROXY_URL: '' })
  t.equal(settings.UPSTREAM_URL, 'http://rehearsal:8788')
  t.equal(settings.PROXY_URL, '')
})

t.test('an invalid value is refused by name', async t => {
  const wrong: [Record<string, string>, RegExp][] = [
    [{ GATEWAY_PORT: '' }, /GATEWAY_PORT must be a port/],
    [{ BUDGET_USD_PER_DAY: 'five' }, /BUDGET_USD_PER_DAY must be empty or a number/],
    [{ BUDGET_USD_PER_DAY: '-1' }, /BUDGET_USD_PER_DAY must be empty or a number/],
    [{ BUDGET_USD_PER_DAY: '1e9' }, /BUDGET_USD_PER_DAY must be empty or a number/],
    [{ USAGE_FOLDER: 'usage' }, /USAGE_FOLDER must be an absolute path/],
    [{ GATEWAY_PORT: '80x' }, /GATEWAY_PORT must be a port/],
    [{ UPSTREAM_URL: 'api.anthropic.com' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_URL: 'https://u:p@api.anthropic.com' }, /UPSTREAM_URL must be a scheme/],
    [{ UPSTREAM_URL: 'https://api.anthropic.com/v1' }, /UPSTREAM_URL must be a scheme/],
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
