import t from 'tap'
import { StoredTokens, TenantName, Tenants } from '../../../src/config/tenants.ts'

t.test('a tenant is a name that can be a folder and part of a network', async t => {
  for (const name of ['main', 'a', 'team-2', 'x'.repeat(24)]) {
    t.ok(TenantName.safeParse(name).success, name)
  }
  for (const name of ['', '.', '..', 'A', 'a/b', '-a', 'a-', 'a_b', 'a\n', 'x'.repeat(25)]) {
    t.notOk(TenantName.safeParse(name).success, JSON.stringify(name))
  }
})

t.test('tenants.yaml names each tenant once, and has no unknown key', async t => {
  const parse = (tenants: unknown) => Tenants.safeParse({ tenants }).success
  t.ok(parse([{ name: 'a' }, { name: 'b', budget: { usdPerDay: 5, tokensPerDay: 1000 } }]))
  t.notOk(parse([]))
  t.notOk(parse([{ name: 'a' }, { name: 'a' }]))
  t.notOk(parse([{ name: 'a', budget: { usdPerDay: 0 } }]))
  t.notOk(parse([{ name: 'a', budjet: {} }]))
})

const token = {
  name: 'ci',
  tenant: 'main',
  sha256: 'a'.repeat(64),
  createdAt: '2026-11-29T00:00:00.000Z',
}

t.test('a token is stored as a hash, with its limits', async t => {
  const parse = (...tokens: unknown[]) => StoredTokens.safeParse({ version: 1, tokens })
  t.match(parse(token).data?.tokens, [
    { modes: ['api', 'files', 'openai', 'mcp'], strictStatus: false, budget: {} },
  ])
  t.notOk(parse(token, token).success, 'each name once')
  t.notOk(parse({ ...token, token: 'the token itself' }).success)
  for (const workspace of ['', '.', '..', 'a/b', '/a', 'a\0']) {
    t.notOk(parse({ ...token, workspaces: [workspace] }).success, JSON.stringify(workspace))
  }
})
