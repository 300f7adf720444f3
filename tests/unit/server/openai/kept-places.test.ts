import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createKeptPlaces } from '../../../../src/server/openai/kept-places.ts'
import type { ServerEvent } from '../../../../src/tenants/server-log.ts'
import type { Caller } from '../../../../src/tenants/tokens.ts'

const caller: Caller = {
  tenant: { name: 'main', budget: {} },
  token: {
    ...{ name: 'one', tenant: 'main', sha256: 'a'.repeat(64), createdAt: '2026-11-29T00:00:00Z' },
    ...{ budget: {}, modes: ['openai'], strictStatus: false },
  },
}

function start(t: Test, { most = 200 } = {}) {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'places-')))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'main'))
  let days = 0
  const running = new Set<string>()
  const events: ServerEvent[] = []
  const places = createKeptPlaces({
    workspacesFolder: folder,
    tenants: () => ['main', 'absent'],
    isRunning: (_, workspace) => running.has(workspace),
    now: () => new Date(Date.now() + days * 86_400_000),
    log: event => void events.push(event),
    ...{ most, days: 30 },
  })
  const own = join(folder, 'main/.openai/one')
  return {
    ...{ folder, own, places, running, events },
    names: () => readdirSync(own),
    passDays: (count: number) => {
      days += count
    },
    async use(id: string) {
      const place = await places.take(caller, { kind: 'chat', id })
      await place.release()
      return place.workspace
    },
  }
}

t.test('a place is kept for its time, and then removed with all that is in it', async t => {
  const { use, places, own, names, passDays, folder, events } = start(t)
  const workspace = await use('a')
  const name = workspace.split('/').at(-1) ?? ''
  t.equal(workspace, `/workspaces/.openai/one/${name}`)
  mkdirSync(join(own, name, 'deep/er'), { recursive: true })
  writeFileSync(join(folder, 'outside'), 'x')
  symlinkSync(folder, join(own, name, 'deep/er/link'))
  mkdirSync(join(own, 'scratch-1'))
  symlinkSync(folder, join(own, `chat-${'0'.repeat(20)}`))
  passDays(29)
  await places.prune()
  t.ok(names().includes(name))
  passDays(2)
  await places.prune()
  t.same(names().sort(), [`chat-${'0'.repeat(20)}`, 'scratch-1'], 'and no symlink is followed')
  t.ok(existsSync(join(folder, 'outside')))
  t.same(events, [])
})

t.test('a token that has many loses those unused for longest, and none in use', async t => {
  const { use, places, names, running } = start(t, { most: 2 })
  const first = await places.take(caller, { kind: 'user', id: 'first' })
  const second = await use('second')
  running.add(second)
  t.ok(places.isUsed(caller, first.workspace))
  t.notOk(places.isUsed(caller, `${first.workspace}0`))
  // The kernel's clock of files ticks every few milliseconds: places of one tick have no order.
  await sleep(20)
  const third = await use('third')
  const fourth = await use('fourth')
  await places.prune()
  const nameOf = (workspace: string) => workspace.split('/').at(-1) ?? ''
  t.ok(names().includes(nameOf(first.workspace)), 'a request has it')
  t.ok(names().includes(nameOf(second)), 'a run works in it')
  await first.release()
  running.clear()
  await places.prune()
  t.same(names().sort(), [third, fourth].map(nameOf).sort())
})

t.test('what cannot be removed is reported, and the others are', async t => {
  const { use, places, own, names, passDays, events } = start(t)
  const kept = (await use('a')).split('/').at(-1) ?? ''
  await use('b')
  // An agent made it to exhaust descriptors.
  mkdirSync(join(own, kept, 'd/'.repeat(70)), { recursive: true })
  passDays(31)
  await places.prune()
  t.same(names(), [kept])
  t.match(events, [{ kind: 'warn', message: /cannot remove .*: the folder has too many levels/ }])
})
