import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseAllowlist } from '../../../src/egress/allowlist.ts'
import { type AllowlistEdit, editAllowlist } from '../../../src/egress/edit-allowlist.ts'

const shipped = readFileSync(new URL('../../../proxy/squid.conf', import.meta.url), 'utf8')
const now = new Date('2026-11-21T12:00:00Z')
const until = '2026-11-21T14:00:00Z'
const edit = (text: string, change: Partial<AllowlistEdit>) =>
  editAllowlist(text, { list: 'allowed_sites', allow: [], deny: [], ...change }, now)
const names = (text: string) => parseAllowlist(text).agent.map(({ name }) => name)
const withLines = (...lines: string[]) =>
  shipped.replace(/^acl allowed_sites dstdomain -n\n/m, lines.map(line => `${line}\n`).join(''))

t.test('a name is one line behind the last of its list, and nothing else changes', async t => {
  const { text, changes } = edit(shipped, { allow: ['a.test'] })
  t.equal(
    text,
    shipped.replace(
      'acl allowed_sites dstdomain -n\n',
      'acl allowed_sites dstdomain -n\nacl allowed_sites dstdomain -n a.test\n',
    ),
  )
  t.strictSame(changes, [{ list: 'allowed_sites', kind: 'added', name: 'a.test' }])
  parseAllowlist(text)
})

t.test('the same edit twice is the same as once; denying it gives the file back', async t => {
  const once = edit(shipped, { allow: ['a.test', 'b.test'] }).text
  const again = edit(once, { allow: ['b.test', 'a.test'] })
  t.equal(again.text, once)
  t.strictSame(
    again.changes.map(({ kind }) => kind),
    ['kept', 'kept'],
  )
  t.equal(edit(once, { deny: ['a.test', 'b.test'] }).text, shipped)
  t.strictSame(edit(shipped, { deny: ['a.test'] }), {
    text: shipped,
    changes: [{ list: 'allowed_sites', kind: 'absent', name: 'a.test' }],
  })
})

t.test('names of one line are taken out one by one, comments stay', async t => {
  const text = withLines('acl allowed_sites dstdomain -n a.test b.test  c.test # for npm', '# mine')
  const one = edit(text, { deny: ['b.test'] }).text
  t.match(one, 'acl allowed_sites dstdomain -n a.test  c.test # for npm\n# mine\n')
  const two = edit(one, { deny: ['a.test'] }).text
  t.match(two, 'acl allowed_sites dstdomain -n  c.test # for npm\n# mine\n')
  const none = edit(two, { deny: ['c.test'] }).text
  t.match(none, 'acl allowed_sites dstdomain -n\n# mine\n', 'the list itself never vanishes')
  t.strictSame(names(none), [])
})

t.test('lists on continued lines are understood', async t => {
  const text = withLines('acl allowed_sites dstdomain -n a.test \\', '    b.test \\', '    c.test')
  t.strictSame(names(edit(text, { deny: ['b.test'] }).text), ['a.test', 'c.test'])
  t.strictSame(names(edit(text, { deny: ['a.test', 'b.test', 'c.test'] }).text), [])
  const added = edit(text, { allow: ['d.test', 'b.test'] })
  t.strictSame(names(added.text), ['a.test', 'b.test', 'c.test', 'd.test'])
})

t.test('capitals, a final dot and line ends of Windows are what they are', async t => {
  const text = withLines('acl allowed_sites dstdomain -n A.Test.').replaceAll('\n', '\r\n')
  t.equal(edit(text, { allow: ['a.test'] }).text, text)
  t.match(edit(text, { allow: ['b.test'] }).text, 'dstdomain -n b.test\r\n')
  t.strictSame(names(edit(text, { deny: ['a.test'] }).text), [])
})

t.test('services have a list of their own, and no edit reaches the other lists', async t => {
  const { text } = edit(shipped, { list: 'server_sites', allow: ['a.test'] })
  const lists = parseAllowlist(text)
  t.strictSame([lists.agent.length, lists.server.length], [0, 1])
  t.equal(edit(text, { deny: ['a.test', 'api.anthropic.com'] }).text, text)
})

t.test('a time stands behind its name, is changed in place, and goes for good', async t => {
  const timed = edit(shipped, { allow: ['a.test'], until })
  t.match(timed.text, `acl allowed_sites dstdomain -n a.test # until ${until}\n`)
  const later = '2026-11-21T18:00:00Z'
  const longer = edit(timed.text, { allow: ['a.test'], until: later })
  t.match(longer.changes, [{ kind: 'changed', until: later }])
  t.strictSame(
    parseAllowlist(longer.text).agent.map(site => site.until),
    [later],
  )
  const forGood = edit(longer.text, { allow: ['a.test'] })
  t.equal(forGood.text, edit(shipped, { allow: ['a.test'] }).text)
  t.match(edit(forGood.text, { allow: ['a.test'], until }).changes, [
    { kind: 'kept', until: undefined },
  ])
})

t.test('a comment behind a name outlives a change of its time', async t => {
  const text = withLines('acl allowed_sites dstdomain -n a.test # for npm')
  const timed = edit(text.replace('# for', `# until ${until} for`), { allow: ['a.test'] }).text
  t.equal(timed, text)
})

t.test('the next edit removes expired names, and only those', async t => {
  const text = withLines(
    'acl allowed_sites dstdomain -n old.test # until 2026-11-21T12:00:00Z',
    `acl allowed_sites dstdomain -n young.test # until ${until}`,
  )
  const { text: next, changes } = edit(text, { allow: ['a.test'] })
  t.strictSame(names(next), ['young.test', 'a.test'])
  t.match(changes[0], { kind: 'removed', name: 'old.test', why: 'expired' })
})

t.test('a name below a listed wildcard is there already', async t => {
  const wide = edit(shipped, { allow: ['.a.test'] }).text
  const { text, changes } = edit(wide, { allow: ['x.a.test', 'a.test', '.y.a.test'] })
  t.equal(text, wide)
  t.strictSame(
    changes.map(({ kind, by }) => `${kind} ${by}`),
    ['kept .a.test', 'kept .a.test', 'kept .a.test'],
  )
  t.equal(edit(wide, { allow: ['nota.test'] }).changes[0]?.kind, 'added')
})

t.test('a wildcard replaces the names that it admits: Squid refuses both together', async t => {
  const text = edit(shipped, { allow: ['x.a.test', 'b.test', 'a.test'] }).text
  const wide = edit(text, { allow: ['.a.test'] })
  t.strictSame(names(wide.text), ['b.test', '.a.test'])
  t.match(wide.changes.slice(1), [
    { kind: 'removed', name: 'x.a.test', why: 'covered', by: '.a.test' },
    { kind: 'removed', name: 'a.test', why: 'covered', by: '.a.test' },
  ])
})

t.test('a temporary wildcard does not replace a permanent name', async t => {
  const text = edit(shipped, { allow: ['x.a.test'] }).text
  t.throws(() => edit(text, { allow: ['.a.test'], until }), {
    name: 'UserError',
    message:
      /\.a\.test overlaps with x\.a\.test \(allowed permanently\): one list cannot hold both/,
    hint: /deny x\.a\.test/,
  })
})

t.test('a name cannot be denied below a listed wildcard', async t => {
  const wide = edit(shipped, { allow: ['.a.test'] }).text
  t.throws(() => edit(wide, { deny: ['x.a.test'] }), {
    message: 'cannot deny x.a.test: the listed .a.test admits it',
    hint: /deny \.a\.test/,
  })
  t.equal(edit(wide, { deny: ['.a.test'] }).text, shipped)
})
