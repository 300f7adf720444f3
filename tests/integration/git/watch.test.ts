import t, { type Test } from 'tap'
import { collect } from '../../../src/git/collect.ts'
import { listSessions, sessionStack, writeSession } from '../../../src/git/session-record.ts'
import { type WatchEvent, watchSession } from '../../../src/git/watch.ts'
import { makeStateFolder, stateFolder } from '../../../src/stack/state/state-folder.ts'
import {
  createRepositories,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../support/git/repositories.ts'
import { frame, startSessionEngine } from '../../support/git/session-engine.ts'
import { until } from '../../support/stack/process.ts'

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
  return { ...made, ...engine, session }
}

function watching(t: Test, { session, address }: Awaited<ReturnType<typeof setUp>>) {
  const controller = new AbortController()
  const events: WatchEvent[] = []
  const place = { address, container: 'c', signal: controller.signal }
  const done = watchSession(session, place, event => events.push(event))
  const stop = async () => {
    controller.abort(new Error('stopped'))
    await done
  }
  t.teardown(stop)
  const tips = () =>
    events.flatMap(event => (event.kind === 'collected' ? [event.after.branch] : []))
  return { events, tips, done, stop }
}

t.test('a change is collected, and the branch is an argument of the script', async t => {
  const made = await setUp(t)
  const { tips, stop } = watching(t, made)
  const watch = await until('the watch', async () => made.watches[0])
  const first = made.commit('first')
  watch.write(frame(Buffer.from('changed\n')))
  await until('the first commit', async () => tips().includes(first))
  const second = made.commit('second')
  watch.write(frame(Buffer.from('changed\n')))
  await until('the second commit', async () => tips().includes(second))
  t.same(tips(), [first, second])
  const [words = []] = made.commands
  t.match(words, ['/bin/sh', '-c', /while :/, 'sh', sessionBranch])
  t.notMatch(words[2], sessionBranch)
  await stop()
})

t.test('a container that floods the watch delays nothing and is not kept', async t => {
  const made = await setUp(t)
  const { tips, stop } = watching(t, made)
  const watch = await until('the watch', async () => made.watches[0])
  const id = made.commit('theirs')
  const noise = frame(Buffer.alloc(1024 * 1024, '\u001b]0;x\u0007'))
  for (let at = 0; at < 64; at++) {
    if (!watch.write(noise)) await new Promise(resolve => watch.once('drain', resolve))
  }
  await until('the commit', async () => tips().includes(id))
  t.same(tips(), [id])
  await stop()
})

t.test('a refused delivery is told once, and the next one is taken', async t => {
  const made = await setUp(t)
  const { events, tips, stop } = watching(t, made)
  const watch = await until('the watch', async () => made.watches[0])
  made.commit('bad', { [`${'n'.repeat(200)}/${'n'.repeat(200)}`]: 'x' })
  const tree = gitIn(
    made.copy,
    ['hash-object', '-t', 'tree', '--literally', '-w', '--stdin'],
    badTree(),
  )
  const bad = gitIn(made.copy, ['commit-tree', '-m', 'bad', '-p', 'HEAD', tree.trim()]).trim()
  made.agent('update-ref', `refs/heads/${sessionBranch}`, bad)
  watch.write(frame(Buffer.from('changed\n')))
  await until('the refusal', async () => events.some(({ kind }) => kind === 'refused'))
  watch.write(frame(Buffer.from('changed\n')))
  made.agent('reset', '--quiet', '--hard', 'HEAD^')
  const good = made.commit('good')
  watch.write(frame(Buffer.from('changed\n')))
  await until('the good commit', async () => tips().includes(good))
  t.equal(events.filter(({ kind }) => kind === 'refused').length, 1)
  await stop()
})

/** A tree with a name that git refuses. */
function badTree() {
  const id = Buffer.from('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391', 'hex')
  return Buffer.concat([Buffer.from('100644 .git\0'), id])
}

t.test('the watch of a removed container ends', async t => {
  const made = await setUp(t)
  const { events, done } = watching(t, made)
  const watch = await until('the watch', async () => made.watches[0])
  made.state.gone = true
  watch.destroy()
  await done
  t.match(events.at(-1), { kind: 'ended' })
})

t.test('a container that says nothing is left when the reader leaves', async t => {
  const made = await setUp(t)
  made.state.silent = true
  const { address, session } = made
  const controller = new AbortController()
  const place = { address, container: 'c', signal: controller.signal }
  const reading = collect(session, place)
  await until('the export', async () => made.commands.length > 0)
  controller.abort(new Error('the reader left'))
  await t.rejects(reading, { message: 'the reader left' })
  made.state.silent = false
  const id = made.commit('theirs')
  t.equal(
    (await collect(session, { address, container: 'c' })).after.branch,
    id,
    'the lock is free',
  )
})
