import t, { type Test } from 'tap'
import { collect } from '../../../src/git/collect.ts'
import { listSessions, sessionStack, writeSession } from '../../../src/git/session-record.ts'
import { openSessionView } from '../../../src/git/session-view.ts'
import { type ShownReturn, undoTurns } from '../../../src/operations/sessions/undo-turns.ts'
import type { StackState } from '../../../src/stack/inspect.ts'
import { makeStateFolder, stateFolder } from '../../../src/stack/state/state-folder.ts'
import {
  createRepositories,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../support/git/repositories.ts'
import { startSessionEngine } from '../../support/git/session-engine.ts'
import { beginTurn, contentOf, turnsIn } from '../../support/git/turns.ts'

process.env.XDG_STATE_HOME = t.testdir()

async function setUp(t: Test) {
  const made = await createRepositories(t)
  const { name: stack } = sessionStack(made.host, sessionName)
  await makeStateFolder(stateFolder(stack))
  await writeSession(stack, {
    ...{ version: 1, session: sessionName, folder: made.host, branch: sessionBranch },
    base: gitIn(made.host, ['rev-parse', 'HEAD']).trim(),
    ...{ target: 'main', started: '2026-11-30T08:00:00.000Z', remoteBranch: null },
    ...{ pullRequest: null, mayPush: true, mayOpenPullRequest: true },
  })
  const [session] = await listSessions({ folder: made.host })
  if (!session) throw new Error('no session')
  const engine = await startSessionEngine(t, made.copy)
  const services = [{ name: 'claude', state: 'running', container: 'c' }]
  const found = { session, state: { services } as unknown as StackState }
  const asked: string[] = []
  const context = {
    engine: { address: engine.address } as Parameters<typeof undoTurns>[0]['engine'],
    signal: new AbortController().signal,
    log: () => {},
    canAsk: false,
    async confirm(question: string) {
      asked.push(question)
      return true
    },
  }
  const place = { address: engine.address, container: 'c' }
  const host = () => [
    contentOf(made.host),
    gitIn(made.host, ['for-each-ref', 'refs/heads', 'refs/tags']),
    gitIn(made.host, ['symbolic-ref', 'HEAD']),
  ]
  const tip = async () => (await openSessionView(session)).tips.branch
  return { ...made, ...engine, session, found, asked, context, place, hostState: host, tip }
}

const yes = async () => true

t.test('the references of a session follow an undo, and nothing else of the host does', async t => {
  const made = await setUp(t)
  const { copy, host, context, found, place, session } = made
  const base = gitIn(copy, ['rev-parse', 'HEAD']).trim()
  beginTurn(copy)
  const first = made.commit('first turn', { 'a.txt': 'two\n' })
  turnsIn(copy, ['end'])
  beginTurn(copy)
  await collect(session, place)
  const second = made.commit('second turn', { 'b.txt': 'new\n' })
  turnsIn(copy, ['end'])
  const before = made.hostState()
  const shown: ShownReturn[] = []
  const show = async (one: ShownReturn) => {
    shown.push(one)
    return true
  }
  const undone = await undoTurns(context, found, { kind: 'undo', turns: 1 }, { show })
  t.match(undone, { wayBack: 3, shown: { target: { number: 2, prompt: 'do it' } } })
  t.match(shown[0]?.plan, {
    files: [{ path: 'b.txt', kind: 'deleted' }],
    gone: { count: 1, commits: [{ id: second, subject: 'second turn' }] },
  })
  t.equal(await made.tip(), first)
  t.match(
    (await openSessionView(session)).commits.map(({ id }) => id),
    [first],
    'a review shows what the branch has',
  )
  // Also the commit that no watch had fetched yet.
  t.equal(gitIn(host, ['cat-file', '-t', second]).trim(), 'commit')
  t.match(
    gitIn(host, ['reflog', 'show', '--format=%H', `refs/claude/${sessionName}/branch`]),
    second,
  )
  await undoTurns(context, found, { kind: 'undo', turns: 1 }, { show })
  t.equal(await made.tip(), base)
  t.same(made.hostState(), before)

  await undoTurns(context, found, { kind: 'redo' }, { show })
  t.equal(await made.tip(), first)
  await undoTurns(context, found, { kind: 'redo' }, { show })
  t.equal(await made.tip(), second)
  await t.rejects(undoTurns(context, found, { kind: 'redo' }, { show }), {
    message: /has no undo to take back/,
  })
  await undoTurns(context, found, { kind: 'undo', turns: 2 }, { show })
  t.equal(await made.tip(), base)
  t.same(made.hostState(), before)
  t.same(made.asked, [])
})

t.test('a session whose turn is not finished is left alone', async t => {
  const made = await setUp(t)
  const { copy, context, found } = made
  beginTurn(copy)
  made.write('a.txt', 'two\n')
  const before = contentOf(copy)
  const wanted = { kind: 'undo', turns: 1 } as const
  await t.rejects(undoTurns(context, found, wanted, { show: yes }), {
    message: /has not finished its turn/,
    hint: /--force/,
  })
  const asks = { ...context, canAsk: true, confirm: async () => false }
  t.equal(await undoTurns(asks, found, wanted, { show: yes }), null)
  t.equal(await undoTurns(context, found, wanted, { force: true, show: async () => false }), null)
  t.equal(contentOf(copy), before)
  t.match(await undoTurns(context, found, wanted, { force: true, show: yes }), { wayBack: 2 })
  t.not(contentOf(copy), before)
})

t.test('a session that does not run, or has no turn, says so', async t => {
  const { context, found } = await setUp(t)
  const wanted = { kind: 'undo', turns: 1 } as const
  await t.rejects(undoTurns(context, { ...found, state: null }, wanted, { show: yes }), {
    message: 'session test is not running',
  })
  await t.rejects(undoTurns(context, found, wanted, { show: yes }), { message: /no turn to undo/ })
})

t.test('words for the container are a list', async t => {
  const { copy, context, found, commands } = await setUp(t)
  beginTurn(copy)
  await undoTurns(context, found, { kind: 'undo', turns: 1 }, { force: true, show: yes })
  const words = commands.filter(([program]) => program?.endsWith('claude-secure-turn'))
  t.match(words, [
    ['/usr/local/bin/claude-secure-turn', '/workspace', 'list'],
    ['/usr/local/bin/claude-secure-turn', '/workspace', 'show', '1'],
    [
      '/usr/local/bin/claude-secure-turn',
      '/workspace',
      'apply',
      '1',
      'undo',
      '1',
      /^[0-9a-f]{40},/,
    ],
  ])
})
