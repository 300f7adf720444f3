import { once } from 'node:events'
import t from 'tap'
import type { EgressView, RunView } from '../../../src/web/messages.ts'
import { until } from '../../support/stack/process.ts'
import { openSocket, startWeb } from './fixture.ts'

const [shop, site] = ['claude-secure-shop-0a1b2c3d', 'claude-secure-site-0a1b2c3d']
const entry = (host: string, at = Date.now() / 1000): EgressView => ({
  ...{ at, verdict: 'denied', caller: 'agent', host, port: '443', reason: 'not-listed' },
  ...{ canAllow: true, canDeny: false },
})
const run: RunView = {
  ...{ runId: '0123456789abcdef', state: 'waiting', startedAt: '2026-11-30T08:00:00Z' },
  ...{ prompt: 'x', costUsd: null, question: null },
}

t.test('the page gets the stacks, and of the watched stack its log, runs and usage', async t => {
  const { socket, state } = await startWeb(t)
  state.past = [entry('a.example.com')]
  const { client, texts } = await openSocket(socket('/live'))
  const of = (kind: string) => texts.filter(message => message.kind === kind)
  await until('the stacks', async () => of('stacks').length > 0)
  t.same(of('stacks'), [{ kind: 'stacks', stacks: state.stacks }])
  t.same(of('egress'), [])

  client.send(JSON.stringify({ watch: shop }))
  await until('the past', async () => of('egress').length > 0)
  t.match(of('egress')[0], { stack: shop, entries: [{ host: 'a.example.com' }], leftOut: 0 })
  await until('runs and usage', async () => of('runs').length > 0 && of('usage').length > 0)
  state.onEntry?.(entry('b.example.com'))
  await until('a later decision', async () => of('egress').length > 1)
  t.match(of('egress')[1], { entries: [{ host: 'b.example.com' }] })
  state.runs = [run]
  await until('the new run', async () => of('runs').length > 1)
  t.same(of('runs').at(-1), { kind: 'runs', stack: shop, runs: [run] })

  client.send(JSON.stringify({ watch: site }))
  await until('the other stack', async () => of('runs').at(-1)?.stack === site)
  await until('the end of the first', async () => state.followers === 1)
  state.stacks = []
  await until('the change', async () => of('stacks').length > 1)
  t.same(of('stacks').at(-1), { kind: 'stacks', stacks: [] })
  client.terminate()
  await until('the end of all', async () => state.followers === 0)
})

t.test('only changes are sent', async t => {
  const { socket, sources } = await startWeb(t)
  let looks = 0
  const { stacks } = sources
  sources.stacks = () => {
    looks++
    return stacks()
  }
  const { texts } = await openSocket(socket('/live'))
  await until('ten looks', async () => looks > 10)
  t.equal(texts.length, 1)
})

t.test('a busy log keeps its newest entries, and says how many it left out', async t => {
  const { socket, state } = await startWeb(t, { limits: { entries: 10 } })
  state.past = Array.from({ length: 1_000 }, (_, at) => entry(`n${at}.example.com`))
  const { client, texts } = await openSocket(socket('/live'))
  client.send(JSON.stringify({ watch: shop }))
  const first = await until('the log', async () => texts.find(({ kind }) => kind === 'egress'))
  t.equal(first.leftOut, 990)
  t.match((first.entries as EgressView[]).at(-1), { host: 'n999.example.com' })
})

t.test('a page that does not read is closed', async t => {
  // It answers no ping either, which must not be what closes it.
  const limits = { liveBytes: 64 * 1024, pingMilliseconds: 600_000 }
  const { socket, state } = await startWeb(t, { limits })
  const { client, closed } = await openSocket(socket('/live'))
  client.send(JSON.stringify({ watch: shop }))
  await until('the log', async () => state.onEntry)
  client.pause()
  // What the kernel holds for the connection fills first.
  await until('the close', async () => {
    for (let i = 0; i < 500; i++) state.onEntry?.(entry(`${'x'.repeat(240)}${i}.example.com`))
    return state.followers === 0
  })
  client.resume()
  t.equal((await closed)[0], 1006)
})

t.test('a failure is told to the page, and the page goes on', async t => {
  const { socket, sources } = await startWeb(t)
  const { stacks } = sources
  sources.stacks = async () => {
    throw new Error('connect ENOENT /var/run/docker.sock')
  }
  const { texts } = await openSocket(socket('/live'))
  await until('the failure', async () => texts.length > 0)
  t.match(texts[0], { kind: 'trouble', text: 'Internal Server Error' })
  sources.stacks = stacks
  await until('the stacks', async () => texts.some(({ kind }) => kind === 'stacks'))
})

t.test('a malformed message closes the websocket', async t => {
  const { socket } = await startWeb(t)
  for (const message of ['{"watch":"../../etc"}', 'x', '{}', Buffer.from([1, 2])]) {
    const { client } = await openSocket(socket('/live'))
    const closed = once(client, 'close')
    client.send(message)
    t.equal((await closed)[0], 1008)
  }
})

t.test('a git session sends its commits, and each change of them', async t => {
  const { socket, state } = await startWeb(t)
  const commit = {
    ...{ id: 'a'.repeat(40), subject: 'one', author: 'Claude', at: null, onBranch: true },
  }
  const commits = {
    ...{ branch: 'claude/x', tip: commit.id, commits: [commit], unlisted: 0, mayPush: true },
    ...{ mayOpenPullRequest: true, title: 'one', body: '' },
  }
  state.commits = commits
  const { client, texts } = await openSocket(socket('/live'))
  const of = () => texts.filter(({ kind }) => kind === 'commits')
  client.send(JSON.stringify({ watch: shop }))
  await until('the commits', async () => of().length > 0)
  t.same(of(), [{ kind: 'commits', stack: shop, commits }])
  state.onCommits?.(commits)
  state.onCommits?.({ ...commits, commits: [{ ...commit, id: 'b'.repeat(40) }, commit] })
  await until('the new one', async () => of().length > 1)
  t.equal(of().length, 2)
})
