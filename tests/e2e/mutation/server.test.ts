import t from 'tap'
import type { AuditReport } from '../../../src/audit/audit-report.ts'
import { wallClaims, wallTenants } from '../../support/server-walls/claims.ts'
import {
  auditedProbes,
  expectedAudit,
  expectedRed,
  mayTurnRed,
  type ServerControl,
  serverControls,
} from '../../support/server-walls/controls.ts'
import { createTestServer } from '../../support/stack/test-server.ts'

const edit = (file: ServerControl['file']) => (text: string) =>
  serverControls
    .filter(control => control.file === file)
    .reduce((changed, { remove }) => remove(changed), text)

const server = await createTestServer(t, {
  tenants: wallTenants,
  serverSites: ['other.test'],
  allow: ['allowed.test'],
  compose: edit('compose.server.yaml'),
  policy: edit('proxy/squid.conf'),
  gateway: edit('src/gateway/http/tenant-network.ts'),
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

t.test('each control of the server that is gone turns its claim of the audit red', async t => {
  const { code, stdout, stderr } = await server.serve([
    'audit',
    '--json',
    '--probe',
    ...auditedProbes,
  ])
  t.match(stdout, /^\{/, stderr)
  const report: AuditReport = JSON.parse(stdout)
  const red = report.probes.flatMap(({ id, checks }) =>
    checks.filter(({ verdict }) => verdict === 'open').map(({ claim }) => `${id} ${claim}`),
  )
  for (const { checks } of report.probes) {
    for (const { claim, evidence } of checks) t.comment(`${claim}: ${evidence}`)
  }
  const expected = expectedAudit()
  // The other probes look at more than the controls of this file.
  const ours = red.filter(claim => /^W/.test(claim) || expected.includes(claim))
  t.same(ours.filter(claim => claim !== mayTurnRed).sort(), expected)
  t.equal(code, 1)
})
