import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseAllowlist } from '../../../src/egress/allowlist.ts'

const empty = ['allowed_sites', 'gateway_sites', 'server_sites', 'login_sites']
  .map(list => `acl ${list} dstdomain -n\n`)
  .join('')

t.test('the shipped file lets the agent reach nothing', async t => {
  const shipped = readFileSync(new URL('../../../proxy/squid.conf', import.meta.url), 'utf8')
  const { agent, gateway, server, login } = parseAllowlist(shipped)
  t.strictSame(agent, [])
  t.strictSame(server, [])
  t.strictSame(
    gateway.map(site => site.name),
    ['api.anthropic.com'],
  )
  t.strictSame(
    login.map(site => site.name),
    ['api.anthropic.com', 'claude.ai', 'claude.com', 'platform.claude.com'],
  )
})

t.test('names add up over lines, and each knows its own', async t => {
  const text = `${empty}acl allowed_sites dstdomain -n a.test b.test\nacl allowed_sites dstdomain -n c.test # for npm\n`
  t.strictSame(parseAllowlist(text).agent, [
    { name: 'a.test', line: 5, namesOnly: true },
    { name: 'b.test', line: 5, namesOnly: true },
    { name: 'c.test', line: 6, namesOnly: true },
  ])
})

t.test('a commented line opens nothing', async t => {
  t.strictSame(parseAllowlist(`#acl allowed_sites dstdomain -n a.test\n${empty}`).agent, [])
})

t.test('a name without -n is told apart', async t => {
  t.match(parseAllowlist(`${empty}acl allowed_sites dstdomain a.test`).agent, [
    { name: 'a.test', namesOnly: false },
  ])
})

for (const list of ['allowed_sites', 'gateway_sites', 'server_sites', 'login_sites']) {
  t.test(`a file without ${list} is refused: unreadable is not empty`, async t => {
    const text = empty.replace(`acl ${list} dstdomain -n\n`, '')
    t.throws(() => parseAllowlist(text), {
      message: `proxy/squid.conf has no list ${list}`,
      hint: new RegExp(`acl ${list} dstdomain -n$`),
    })
  })
}

const refused: [string, RegExp][] = [
  [
    'acl allowed_sites dstdom_regex -n .*',
    /line 5: .*must be of type dstdomain, not "dstdom_regex"/,
  ],
  ['acl allowed_sites', /line 5: .*must be of type dstdomain/],
  ['acl allowed_sites dstdomain -n "/etc/names"', /line 5: .*is not a name/],
  ['acl allowed_sites dstdomain -n -i a.test', /line 5: "-i" is not a name/],
  ['acl allowed_sites dstdomain -n https://a.test/', /line 5: "https:\/\/a.test\/" is not a name/],
  ['acl allowed_sites dstdomain -n a.test,b.test', /line 5: "a.test,b.test" is not a name/],
  ['acl allowed_sites dstdomain -n exämple.test', /line 5: .*is not a name/],
]
for (const [line, message] of refused) {
  t.test(`${line} is refused with its line`, async t => {
    t.throws(() => parseAllowlist(`${empty}${line}\n`), { name: 'UserError', message })
  })
}

t.test('an escape sequence in a list reaches no terminal', async t => {
  t.throws(() => parseAllowlist(`${empty}acl allowed_sites dstdomain -n \x1b[2Ja.test`), {
    message: /line 5: [^\x1b]*: acl allowed_sites dstdomain -n [^\x1b]*a\.test$/,
  })
})
