import t from 'tap'
import { parseParentProxy } from '../../../src/config/parent-proxy.ts'
import { parentRules, renderParentConf } from '../../../src/egress/parent-conf.ts'

const render = (settings: Record<string, string>) => {
  const parent = parseParentProxy({ settings, env: {} }, null)
  if (!parent) throw new Error('there is a parent')
  return renderParentConf(parent)
}

t.test('everything goes through the parent, and nothing directly', async t => {
  const lines = render({ PARENT_PROXY: 'http://proxy.example:3128' }).trim().split('\n')
  t.match(lines[0], /^cache_peer proxy\.example parent 3128 0 no-query .* default /)
  t.equal(lines[1], 'acl resolved_here any-of !all')
  t.strictSame(lines.slice(2), [...parentRules])
})

t.test('names without the parent are resolved and judged here', async t => {
  const text = render({
    PARENT_PROXY: 'http://p.example:1',
    PARENT_PROXY_EXCEPT: 'a.example,b.example',
  })
  t.match(text, /^acl not_through_parent dstdomain -n \.a\.example$/m)
  t.match(text, /^acl not_through_parent dstdomain -n \.b\.example$/m)
  t.match(text, /^acl resolved_here any-of not_through_parent$/m)
})

t.test('no character of a password ends the word or the line', async t => {
  const text = render({ PARENT_PROXY: 'http://u%20%23:p%25%22%5C%C3%A9%27@p.example:1' })
  t.match(text, / login=u%20%23:p%25%22%5C%C3%A9%27\n/)
})

t.test('a parent that speaks TLS is verified', async t => {
  const text = render({ PARENT_PROXY: 'https://p.example' })
  t.match(text, / tls tls-cafile=\/etc\/claude-secure\/parent\/ca\.pem tls-default-ca=off /)
  t.notMatch(text, /login=|DONT_VERIFY/)
})
