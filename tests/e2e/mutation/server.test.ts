import t from 'tap'
import { wallClaims, wallTenants } from '../../support/server-walls/claims.ts'
import { expectedRed, serverControls } from '../../support/server-walls/controls.ts'
import { createTestServer } from '../../support/stack/test-server.ts'

const edit = (file: string) => (text: string) =>
  serverControls
    .filter(control => control.file === file)
    .reduce((changed, { remove }) => remove(changed), text)

const server = await createTestServer(t, {
  tenants: wallTenants,
  serverSites: ['other.test'],
  allow: ['allowed.test'],
  compose: edit('compose.server.yaml'),
  policy: edit('proxy/squid.conf'),
})

t.test('each control of the server that is gone turns its claim red, and no other', async t => {
  const red: string[] = []
  for (const { name, leaks } of wallClaims) {
    const found = await leaks(server)
    if (found.length > 0) red.push(name)
    t.comment(`${name}: ${found.slice(0, 3).join(', ') || 'holds'}`)
  }
  t.same(red, expectedRed())
})
