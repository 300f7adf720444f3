import t from 'tap'
import { chooseTenants } from '../../../../src/operations/serve/edit-server-grants.ts'

t.test('a grant is for the named tenant, or for each that the server has', async t => {
  t.same(chooseTenants(undefined, ['main', 'team-b']), ['main', 'team-b'])
  t.same(chooseTenants('team-b', ['main', 'team-b']), ['team-b'])
})

t.test('a tenant without a network is refused', async t => {
  t.throws(() => chooseTenants('te\x1bam', ['main', 'team-b']), {
    message: /^the server has no tenant [^\x1b]+$/,
    hint: /it has main, team-b; run/,
    exitCode: 2,
  })
})
