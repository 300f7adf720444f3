import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Grant } from '../../../src/egress/grants.ts'
import { type PolicyEdit, planEdit } from '../../../src/egress/plan-edit.ts'

const conf = readFileSync(new URL('../../../proxy/squid.conf', import.meta.url), 'utf8')
const now = new Date('2026-11-21T12:00:00Z')
const soon = '2026-11-21T18:00:00Z'
const plain = (name: string): Grant => ({ name, port: 443, tls: true })
const none = { conf, checkout: '', here: '' }
const plan = (files: typeof none, edit: Partial<PolicyEdit>) =>
  planEdit(files, { list: 'allowed_sites', allow: [], deny: [], here: false, ...edit }, now)

t.test('a plain name goes to squid.conf, a grant to the grants of the checkout', async t => {
  const port = { ...plain('a.test'), port: 8443 }
  const range = { ...plain('b.test'), range: '10.2.0.0/16' }
  const { files, changes } = plan(none, { allow: [plain('a.test'), port, range] })
  t.match(files.conf, /^acl allowed_sites dstdomain -n a\.test$/m)
  t.notMatch(files.conf, 'b.test')
  t.equal(files.checkout, 'allow a.test port 8443\nallow b.test private 10.2.0.0/16\n')
  t.equal(files.here, '')
  t.match(changes, [
    { kind: 'added', name: 'a.test' },
    { kind: 'added', name: 'a.test', port: 8443 },
    { kind: 'added', name: 'b.test', range: '10.2.0.0/16' },
  ])
  const gone = plan(files, { deny: [{ name: 'a.test' }, { name: 'b.test' }] })
  t.equal(gone.files.conf, conf)
  t.equal(gone.files.checkout, '')
  t.strictSame(
    gone.changes.map(({ kind, name, port }) => [kind, name, port]),
    [
      ['removed', 'a.test', undefined],
      ['removed', 'a.test', 8443],
      ['removed', 'b.test', undefined],
    ],
  )
})

t.test('a folder’s edit touches the folder’s list only', async t => {
  const { files, changes } = plan(none, { here: true, allow: [plain('a.test')], until: soon })
  t.strictSame([files.conf, files.checkout], [conf, ''])
  t.equal(files.here, `allow a.test until ${soon}\n`)
  t.match(changes, [{ kind: 'added', name: 'a.test', here: true, until: soon }])
  t.match(plan(files, { here: true, deny: [{ name: 'a.test' }] }).files, { here: '' })
  t.match(plan(none, { here: true, deny: [{ name: 'a.test' }] }).changes, [
    { kind: 'absent', name: 'a.test', here: true },
  ])
  t.match(plan(files, { deny: [{ name: 'a.test' }] }), {
    files: { here: files.here },
    changes: [{ kind: 'absent', name: 'a.test' }],
  })
})

t.test('one name and port has one range: another replaces it', async t => {
  const range = (text: string) => ({ ...plain('a.test'), range: text })
  const first = plan(none, { here: true, allow: [range('10.0.0.0/8')] }).files
  const { files, changes } = plan(first, { here: true, allow: [range('10.2.0.0/16')] })
  t.equal(files.here, 'allow a.test private 10.2.0.0/16\n')
  t.match(changes, [{ kind: 'changed', range: '10.2.0.0/16' }])
  t.match(plan(files, { here: true, allow: [range('10.2.0.0/16')] }), {
    files,
    changes: [{ kind: 'kept' }],
  })
  t.match(plan(files, { here: true, allow: [range('10.2.0.0/16')], until: soon }).changes, [
    { kind: 'kept', endless: true },
  ])
})

t.test('a port can be denied alone', async t => {
  const here = 'allow a.test\nallow a.test port 22 no-tls\nallow a.test port 8443\n'
  const { files } = plan({ ...none, here }, { here: true, deny: [{ name: 'a.test', port: 22 }] })
  t.equal(files.here, 'allow a.test\nallow a.test port 8443\n')
  t.equal(plan({ ...none, here }, { here: true, deny: [{ name: 'a.test' }] }).files.here, '')
})

t.test('comments stay, expired entries go', async t => {
  const here = `# for the tests\nallow a.test port 22 no-tls until 2026-11-21T12:00:00Z\n\nallow b.test\n`
  const { files, changes } = plan({ ...none, here }, { here: true, allow: [plain('c.test')] })
  t.equal(files.here, '# for the tests\n\nallow b.test\nallow c.test\n')
  t.match(changes, [
    { kind: 'removed', name: 'a.test', why: 'expired' },
    { kind: 'added', name: 'c.test' },
  ])
})

t.test('a wildcard of the folder covers what it admits', async t => {
  const here = 'allow x.a.test\n'
  const { files } = plan({ ...none, here }, { here: true, allow: [plain('.a.test')] })
  t.equal(files.here, 'allow .a.test\n')
  t.throws(() => plan(files, { here: true, deny: [{ name: 'x.a.test' }] }), { name: 'UserError' })
})

t.test('the server stack has no grants', async t => {
  const files = { ...none, checkout: 'allow a.test port 8443\n' }
  t.match(plan(files, { list: 'server_sites', deny: [{ name: 'a.test' }] }), {
    files,
    changes: [{ kind: 'absent', list: 'server_sites' }],
  })
})
