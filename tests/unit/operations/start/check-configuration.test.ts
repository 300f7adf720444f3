import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseParentProxy } from '../../../../src/config/parent-proxy.ts'
import { Settings } from '../../../../src/config/settings.ts'
import {
  checkConfiguration,
  mayFallBack,
  refuseFallback,
  refuseIpv6Only,
} from '../../../../src/operations/start/check-configuration.ts'
import { createAuthority } from '../../../support/messages-api/certificate.ts'

const root = t.testdir({ proxy: {}, 'ca.pem': createAuthority().certificate, 'text.pem': 'hello' })
const lists = ['allowed_sites', 'gateway_sites', 'server_sites', 'login_sites']
mkdirSync(join(root, 'proxy'), { recursive: true })
writeFileSync(
  join(root, 'proxy/squid.conf'),
  lists.map(list => `acl ${list} dstdomain -n\n`).join(''),
)
const check = (settings: object, folder = root) =>
  checkConfiguration(Settings.parse(settings), {
    root: folder,
    stack: 'claude-secure-app-00000001',
  })

t.test('a valid configuration passes', async t => {
  await t.resolves(check({}))
  await t.resolves(check({ EXTRA_CA_CERTS: join(root, 'ca.pem') }))
})

t.test('an error for missing or invalid authorities names the path', async t => {
  for (const name of ['missing.pem', 'text.pem']) {
    await t.rejects(check({ EXTRA_CA_CERTS: join(root, name) }), {
      name: 'UserError',
      message: new RegExp(`EXTRA_CA_CERTS=${join(root, name)} is not a file of certificates`),
    })
  }
})

t.test('two ways to authenticate at once are refused', async t => {
  await t.rejects(check({ CREDENTIALS: 'direct', ANTHROPIC_API_KEY: 'k' }), { name: 'UserError' })
})

t.test('an unreadable policy stops the start', async t => {
  await t.rejects(check({}, '/nowhere'), {
    name: 'UserError',
    message: /cannot read the allowlist/,
  })
})

t.test('a budget needs a gateway to enforce it', async t => {
  await t.rejects(check({ BUDGET_USD_PER_DAY: '5' }), {
    name: 'UserError',
    message: /BUDGET_USD_PER_DAY=5 cannot be enforced/,
  })
  await t.resolves(check({ BUDGET_USD_PER_DAY: '5', ANTHROPIC_API_KEY: 'k' }))
})

t.test('a host with IPv6 only is refused, with and without a parent proxy', async t => {
  const alone = { routes: [], ipv6: true, mtu: null }
  t.throws(() => refuseIpv6Only(alone, null), {
    message: /no IPv4 way out, only IPv6$/,
    hint: /IPv4/,
  })
  const parent = parseParentProxy(
    { settings: { PARENT_PROXY: 'http://p.example:1' }, env: {} },
    null,
  )
  t.throws(() => refuseIpv6Only(alone, parent), /neither does the way to .*http:\/\/p\.example:1/)
  t.doesNotThrow(() => refuseIpv6Only({ ...alone, ipv6: false }, null))
})

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
