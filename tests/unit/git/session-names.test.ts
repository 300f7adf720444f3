import t from 'tap'
import { checkSessionName, sessionRef, timestampName } from '../../../src/git/session-names.ts'

t.test('a session name is a plain word, because it becomes a part of a reference', async t => {
  for (const name of ['login', 'a', 'Fix-1_b.c', '20261130-081502']) {
    t.equal(checkSessionName(name), name)
  }
  for (const name of [
    '',
    '-x',
    '.x',
    'a..b',
    'a.lock',
    'a.',
    'a/b',
    'a b',
    '../x',
    'x$(id)',
    'é',
    'x'.repeat(41),
  ]) {
    t.throws(() => checkSessionName(name), { exitCode: 2, message: /is not a name/ }, name)
  }
})

t.test('the name without a name is the time', async t => {
  t.equal(timestampName(new Date('2026-11-30T08:15:02.345Z')), '20261130-081502')
  t.equal(sessionRef('login', 'branch'), 'refs/claude/login/branch')
})
