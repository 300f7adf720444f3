import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  chooseSession,
  listSessions,
  readSession,
  type Session,
} from '../../../src/git/session-record.ts'

const record = {
  ...{ version: 1, session: 'login', folder: '/x/app', branch: 'claude/1', base: 'a'.repeat(40) },
  ...{ target: 'main', started: '2026-11-30T08:00:00.000Z', remoteBranch: null },
  ...{ pullRequest: null, mayPush: true, mayOpenPullRequest: true },
}

function createState(sessions: Record<string, unknown>) {
  const root = t.testdir()
  for (const [stack, content] of Object.entries(sessions)) {
    mkdirSync(join(root, 'stacks', stack), { recursive: true })
    writeFileSync(join(root, 'stacks', stack, 'session.json'), JSON.stringify(content))
  }
  return root
}

t.test('sessions are those of a folder, the newest first', async t => {
  const root = createState({
    'claude-secure-app-login-00000001': record,
    'claude-secure-app-two-00000002': {
      ...record,
      session: 'two',
      started: '2026-11-30T09:00:00.000Z',
    },
    'claude-secure-other-00000003': { ...record, folder: '/x/other' },
  })
  mkdirSync(join(root, 'stacks/claude-secure-plain-00000004'))
  const found = await listSessions({ folder: '/x/app', root })
  t.match(found, [
    { session: 'two', id: '00000002' },
    { session: 'login', stack: 'claude-secure-app-login-00000001' },
  ])
  t.equal((await listSessions({ root })).length, 3)
  t.equal(await readSession('claude-secure-plain-00000004', root), null)
})

t.test('a damaged record is refused with its path', async t => {
  const stack = 'claude-secure-app-00000001'
  for (const damaged of [{}, { ...record, base: '$(id)' }, { ...record, more: 1 }, []]) {
    const root = createState({ [stack]: damaged })
    await t.rejects(readSession(stack, root), { message: /session\.json is damaged/ })
  }
})

t.test('a person names a session by its name, its id or a beginning', async t => {
  const one = { ...record, stack: 'claude-secure-app-login-00000001', id: '00000001' } as Session
  const two = {
    ...one,
    session: 'login-2',
    stack: 'claude-secure-app-login-2-00000002',
    id: '00000002',
  }
  const all = [one, two]
  t.equal(chooseSession('login', all), one)
  t.equal(chooseSession('login-', all), two)
  t.equal(chooseSession('00000002', all), two)
  t.equal(chooseSession(undefined, [two]), two)
  t.throws(() => chooseSession(undefined, all), { message: 'this folder has 2 sessions' })
  t.throws(() => chooseSession('log', all), { message: 'log matches 2 sessions' })
  t.throws(() => chooseSession('x\u001b[2J', all), { message: 'no session is called x' })
  t.throws(() => chooseSession('', all), { message: "no session is called ''" })
  t.throws(() => chooseSession(undefined, []), { message: 'this folder has no session' })
})
