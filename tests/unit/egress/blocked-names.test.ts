import t from 'tap'
import { command } from '../../../src/base/command.ts'
import {
  blockedNames,
  createBlockedNames,
  renderBlocked,
} from '../../../src/egress/blocked-names.ts'
import { type AccessDecision, parseAccessDecision } from '../../../src/egress/proxy-log.ts'

const line =
  '{"ts":1795259772.108,"caller":"agent","method":"CONNECT","host":"evil.test","port":"443","sni":"-","verdict":"denied","reason":"not-listed","status":"TCP_DENIED/407","bytes":409,"sent":55,"ms":0}'
const denied = parseAccessDecision(line)
if (!denied) throw new Error('the sample is no decision')
const asked = (host: string, more: Partial<AccessDecision> = {}) => ({ ...denied, host, ...more })
const site = (name: string) => ({ name, line: 1, namesOnly: true })

t.test('names are counted, whatever their case, the most frequent first', async t => {
  const decisions = [asked('b.test'), asked('A.test'), asked('a.test.'), asked('c.test')]
  t.strictSame(blockedNames(decisions, []), [
    { name: 'a.test', count: 2 },
    { name: 'b.test', count: 1 },
    { name: 'c.test', count: 1 },
  ])
})

t.test('only what a line in the list would have let through counts', async t => {
  const decisions = [
    asked('a.test', { verdict: 'allowed', reason: '-' }),
    asked('b.test', { caller: 'services' }),
    asked('c.test', { reason: 'sni-differs' }),
    asked('d.test', { reason: 'private-address' }),
  ]
  t.strictSame(blockedNames(decisions, []), [])
})

t.test('leaves out names that were allowed since', async t => {
  const decisions = [asked('x.a.test'), asked('b.test'), asked('c.test')]
  t.strictSame(blockedNames(decisions, [site('.a.test'), site('B.test')]), [
    { name: 'c.test', count: 1 },
  ])
})

t.test('a flood of names does not fill the memory', async t => {
  const blocked = createBlockedNames()
  blocked.add(asked('first.test'))
  for (let i = 0; i < 20_000; i++) blocked.add(asked(`x${i}.test`))
  blocked.add(asked('first.test'))
  t.equal(blocked.names([]).length, 10_000)
  t.strictSame(blocked.names([])[0], { name: 'first.test', count: 2 })
})

t.test('the lines name the command, and there are few of them', async t => {
  const many = Array.from({ length: 9 }, (_, i) => ({ name: `x${i}.test`, count: 3 }))
  t.strictSame(renderBlocked([{ name: 'api.github.com', count: 3 }]), [
    `blocked: api.github.com (3×), ${command('allow --here api.github.com')}`,
  ])
  t.equal(renderBlocked(many).length, 6)
  t.equal(renderBlocked(many)[5], `blocked: and 4 more, ${command('log --denied')}`)
  t.strictSame(renderBlocked([]), [])
})

t.test('leaves out names that doctor and audit invented', async t => {
  const decisions = [
    asked('doctor-4d83fe185869b222.claude-secure.invalid'),
    asked('secret-x.audit-0123abcd.test'),
    asked('audit.test'),
  ]
  t.strictSame(blockedNames(decisions, []), [{ name: 'audit.test', count: 1 }])
})

t.test('names of other lists come last, without advice to allow them', async t => {
  const decisions = [asked('api.anthropic.com'), asked('api.anthropic.com'), asked('a.test')]
  const blocked = blockedNames(decisions, [], [site('api.anthropic.com')])
  t.strictSame(renderBlocked(blocked), [
    `blocked: a.test (1×), ${command('allow --here a.test')}`,
    'blocked: api.anthropic.com (2×), reserved for other services',
  ])
})
