import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { createGrants } from '../../../src/tenants/grants.ts'
import type { ServerEvent } from '../../../src/tenants/server-log.ts'

const now = () => new Date('2026-11-21T12:00:00Z')

function grantsIn(t: Test) {
  const folder = t.testdir({})
  const events: ServerEvent[] = []
  const grants = createGrants({
    folder,
    tenants: () => ['main', 'team-b'],
    log: event => void events.push(event),
    now,
  })
  return { grants, events, text: () => readFileSync(join(folder, 'grants.list'), 'utf8') }
}

const hour = { tenant: 'main', seconds: 3_600, by: 'telegram:42' }

t.test('a grant is for one tenant, until a time, and the log says by whom', async t => {
  const { grants, events, text } = grantsIn(t)
  const names = ['Registry.example.com']
  t.match(await grants.grant({ ...hour, names }), [
    { kind: 'opened', name: 'registry.example.com' },
  ])
  const line = 'registry.example.com tenant main until 2026-11-21T13:00:00Z by telegram:42\n'
  t.equal(text(), `grant ${line}`)
  t.same(events, [
    {
      kind: 'grant',
      change: 'opened',
      name: 'registry.example.com',
      tenant: 'main',
      until: '2026-11-21T13:00:00Z',
      by: 'telegram:42',
    },
  ])
  t.equal((await grants.list('main')).length, 1)
  t.same(await grants.list('team-b'), [], 'another tenant')
  await grants.deny({ names, tenant: 'main', by: 'telegram:7' })
  t.same(await grants.list(), [])
  t.match(events.at(-1), { change: 'closed', by: 'telegram:7' })
})

t.test('what a grant may not be writes nothing', async t => {
  const { grants, events } = grantsIn(t)
  const refused: [object, RegExp][] = [
    [{ names: ['*.example.com'] }, /not all below/],
    [{ names: ['10.0.0.1'] }, /is an address/],
    [{ names: ['a.example.com\ngrant evil.example.com'] }, /evil|not a host name/],
    [{ names: ['a.example.com'], tenant: 'team-c' }, /no tenant team-c/],
    [{ names: ['a.example.com'], seconds: 8 * 86_400 }, /7 days/],
    [{ names: ['a.example.com'], seconds: Number.NaN }, /7 days/],
    [{ names: ['a.example.com'], by: 'telegram:1 until' }, /actor/],
  ]
  for (const [given, message] of refused) {
    await t.rejects(grants.grant({ names: [], ...hour, ...given }), { message })
  }
  t.same(await grants.list(), [])
  t.same(events, [])
})

t.test('grants that are made at the same time are all kept', async t => {
  const { grants } = grantsIn(t)
  const names = Array.from({ length: 20 }, (_, index) => `n${index}.example.com`)
  await Promise.all(names.map(name => grants.grant({ ...hour, names: [name] })))
  t.equal((await grants.list()).length, 20)
  await t.rejects(
    grants.grant({ ...hour, names: Array.from({ length: 31 }, (_, i) => `m${i}.example.com`) }),
    { message: /at most 50/ },
  )
  t.equal((await grants.list()).length, 20, 'all or none')
})
