import t, { type Test } from 'tap'
import {
  grantEnd,
  isGrantable,
  parseServerGrants,
  renderServerGrants,
  type ServerGrant,
  serverGrantLimit,
  withGrant,
  withoutGrant,
} from '../../../src/egress/server-grants.ts'
import { exec } from '../../../src/process/exec.ts'

const program = new URL('../../../proxy/server-grants', import.meta.url).pathname
const now = '2026-11-21T12:00:00Z'
const latest = '2026-11-28T12:00:00Z'
const moment = new Date(now)

/** The rules that the proxy compiles, and what it says of them; null where it refuses the file. */
async function compiled(t: Test, text: string, aliases = 'proxy-tenant-main proxy-tenant-team-b') {
  const folder = t.testdir({ 'grants.list': text })
  const variables = [`now=${now}`, `latest=${latest}`, `next_file=${folder}/next`]
  const args = variables.concat(`kept_file=${folder}/kept`).flatMap(value => ['-v', value])
  const { code, stdout } = await exec('awk', [...args, '-f', program, `${folder}/grants.list`], {
    env: { ...process.env, AGENT_ALIASES: aliases },
  })
  if (code !== 0) return null
  const { stdout: said } = await exec('cat', [`${folder}/kept`, `${folder}/next`], {})
  return { rules: stdout, said }
}

function onHost(text: string) {
  try {
    return parseServerGrants(text, 'grants.list')
  } catch {
    return null
  }
}

const end = 'until 2026-11-21T18:00:00Z by'
const good = [
  `grant a.test tenant main ${end} host:alice`,
  `  grant a.test\ttenant team-b ${end} token:ci`,
  `# nothing\n\ngrant a.test tenant main ${end} host:uid-1000`,
  `grant a.test tenant gone ${end} host:alice`,
  `grant a.test tenant main until 2026-11-20T18:00:00Z by host:alice`,
  '',
]
const bad = [
  'a.test',
  'allow a.test',
  `grant a.test tenant main until 2026-11-21T18:00:00Z`,
  `grant a.test ${end} host:alice`,
  `grant .a.test tenant main ${end} host:alice`,
  `grant a tenant main ${end} host:alice`,
  `grant A.test tenant main ${end} host:alice`,
  `grant 10.0.0.1 tenant main ${end} host:alice`,
  `grant "a.test" tenant main ${end} host:alice`,
  `grant /etc/passwd tenant main ${end} host:alice`,
  `grant a.test tenant main ${end} host:alice more`,
  `grant a.test tenant Main ${end} host:alice`,
  `grant a.test tenant ${'a'.repeat(25)} ${end} host:alice`,
  `grant a.test tenant main until tomorrow by host:alice`,
  `grant a.test tenant main until 2026-13-01T00:00:00Z by host:alice`,
  `grant a.test tenant main ${end} al"ice`,
  `grant a.test tenant main ${end} ${'a'.repeat(81)}`,
  `grant a.test tenant main ${end} host:alice\u000bhttp_access allow all`,
  `grant a.test tenant main ${end} host:alice\rhttp_access`,
  `grant a.test tenant main ${end} host:alice\\`,
  `grant a.test\u0000 tenant main ${end} host:alice`,
  'http_access allow all',
  'include /etc/passwd',
  'unreadable',
]

for (const text of [...good, ...bad]) {
  t.test(`proxy and control script agree: ${JSON.stringify(text)}`, async t => {
    const expected = good.includes(text)
    t.equal(onHost(text) !== null, expected, 'control script')
    t.equal((await compiled(t, `\n${text}\n`)) !== null, expected, 'proxy')
  })
}

t.test('a file with one bad line grants nothing', async t => {
  t.equal(await compiled(t, `${good[0]}\n${bad[0]}\n`), null)
  t.throws(() => parseServerGrants(`${good[0]}\n${bad[0]}`, 'grants.list'), {
    message: /grants\.list line 2: it is not: grant NAME .*: a\.test/,
  })
})

t.test('the proxy takes no grant that lasts longer than 7 days', async t => {
  t.ok(await compiled(t, `grant a.test tenant main until ${latest} by x`))
  t.equal(await compiled(t, 'grant a.test tenant main until 2026-11-28T12:00:01Z by x'), null)
  t.equal(await compiled(t, 'grant a.test tenant main until 9999-01-01T00:00:00Z by x'), null)
})

t.test('a file has a bounded number of grants', async t => {
  const grants = (count: number) =>
    Array.from({ length: count }, (_, i) => `grant a${i}.test tenant main ${end} x\n`).join('')
  t.ok(await compiled(t, grants(serverGrantLimit)))
  t.equal(onHost(grants(serverGrantLimit))?.length, serverGrantLimit)
  t.equal(await compiled(t, grants(serverGrantLimit + 1)), null)
  t.equal(onHost(grants(serverGrantLimit + 1)), null)
})

t.test('a grant opens its name to the network of its tenant alone', async t => {
  const text = [
    `grant a.test tenant team-b ${end} host:alice`,
    'grant b.test tenant main until 2026-11-21T11:59:59Z by host:alice',
    `grant c.test tenant gone ${end} host:alice`,
    'grant d.test tenant main until 2026-11-21T13:00:00Z by host:bob',
  ].join('\n')
  const result = await compiled(t, `${text}\n`)
  t.equal(
    result?.rules,
    [
      'acl server_grant_1_name dstdomain -n a.test',
      'acl server_grant_1 all-of tenant_team-b server_grant_1_name',
      'acl server_grant_2_name dstdomain -n d.test',
      'acl server_grant_2 all-of tenant_main server_grant_2_name',
      'acl granted_server any-of server_grant_1 server_grant_2\n',
    ].join('\n'),
  )
  t.match(result?.said, /^"name":"a.test","tenant":"team-b","until":".*","by":"host:alice"$/m)
  t.match(result?.said, /2026-11-21T13:00:00Z$/, 'the next to expire')
  t.equal((await compiled(t, ''))?.rules, 'acl granted_server any-of !all\n')
  t.equal(
    (await compiled(t, `${text}\n`, 'proxy-agent'))?.rules,
    'acl granted_server any-of !all\n',
  )
})

const grant = (name: string, tenant: string, until = '2026-11-21T18:00:00Z'): ServerGrant => ({
  name,
  tenant,
  until,
  by: 'host:alice',
})

t.test('what is written can be read again', async t => {
  const grants = [grant('a.test', 'main'), grant('b.test', 'team-b')]
  t.same(parseServerGrants(renderServerGrants(grants), 'grants.list'), grants)
})

t.test('a grant opens, changes its end, and closes', async t => {
  const tenants = ['main', 'team-b']
  const old = grant('old.test', 'main', '2026-11-21T11:00:00Z')
  const add = (before: ServerGrant[], until: string, whose = tenants) =>
    withGrant(before, { name: 'a.test', until, by: 'host:bob' }, whose, moment)
  const opened = add([old], '2026-11-21T13:00:00Z')
  t.match(opened.changes, [
    { kind: 'opened', tenant: 'main', by: 'host:bob' },
    { kind: 'opened', tenant: 'team-b' },
  ])
  t.notOk(opened.grants.includes(old), 'an expired grant is dropped')
  const later = add(opened.grants, '2026-11-21T14:00:00Z', ['main'])
  t.match(later.changes, [{ kind: 'prolonged', tenant: 'main' }])
  t.equal(later.grants.length, 2)
  t.match(add(later.grants, '2026-11-21T13:00:00Z').changes, [
    { kind: 'shortened', tenant: 'main' },
    { kind: 'kept', tenant: 'team-b' },
  ])
  const closed = withoutGrant(later.grants, 'a.test', ['main'], moment)
  t.same(closed.changes, [{ kind: 'closed', name: 'a.test', tenant: 'main' }])
  t.match(closed.grants, [{ tenant: 'team-b' }])
  t.match(withoutGrant(closed.grants, 'b.test', ['main'], moment).changes, [{ kind: 'absent' }])
})

t.test('only names below the ceiling can be granted', async t => {
  const site = (name: string, until?: string) => ({
    name,
    line: 1,
    namesOnly: true,
    ...(until && { until }),
  })
  const ceiling = [site('a.test'), site('.below.test'), site('over.test', '2026-11-21T11:00:00Z')]
  const can = (name: string) => isGrantable(name, ceiling, moment)
  t.ok(can('a.test'))
  t.ok(can('x.below.test'))
  for (const name of ['x.a.test', 'b.test', 'notbelow.test', 'over.test']) t.notOk(can(name), name)
  t.notOk(isGrantable('a.test', [], moment), 'the shipped ceiling is empty')
})

t.test('a grant ends by the clock, in UTC', async t => {
  t.equal(grantEnd(3_600, moment), '2026-11-21T13:00:00Z')
})
