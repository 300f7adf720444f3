import t from 'tap'
import type { Inspections } from '../../../src/audit/inspections.ts'
import type { LiveFacts } from '../../../src/audit/live-facts.ts'
import { isSandbox } from '../../../src/audit/privileges.ts'
import { everyService, everyServiceLive } from '../../../src/audit/probe.ts'
import { container } from './container.ts'

const facts: LiveFacts = { status: [], mounts: [], limits: new Map(), cgroup: {} }

function scene(...services: string[]) {
  const inspections: Inspections = {
    containers: new Map(services.map(service => [service, container()])),
    networks: new Map(),
    otherNetworks: [],
    text: '',
  }
  return { inspections }
}

t.test('the evidence names the services without a control', async t => {
  const defect = (bad: string) =>
    everyService(scene('claude', 'proxy'), 'x', (_, service) => (service === bad ? 'why' : null))
  t.match(defect('none'), { claim: 'x', verdict: 'held', evidence: 'claude, proxy' })
  t.same(defect('proxy'), { claim: 'x', verdict: 'open', evidence: 'proxy: why' })
})

t.test('without a service the check is unknown', async t => {
  t.match(
    everyService(scene(), 'x', () => null),
    { verdict: 'unknown' },
  )
})

t.test('an unreadable service makes the check unknown, and hides no open service', async t => {
  const live = {
    ...scene('claude', 'proxy'),
    liveFacts: async () => new Map([['claude', facts]]),
  }
  t.match(await everyServiceLive(live, 'x', () => null), {
    verdict: 'unknown',
    evidence: /proxy/,
  })
  t.match(await everyServiceLive(live, 'x', () => 'why'), { verdict: 'open', evidence: /claude/ })
})

t.test('recognises runtimes with their own kernel', async t => {
  for (const name of ['runsc', 'kata-runtime', 'io.containerd.kata.v2', '/usr/bin/runsc']) {
    t.equal(isSandbox(name), true, name)
  }
  for (const name of ['runc', 'crun', 'io.containerd.runc.v2', '', null, undefined]) {
    t.equal(isSandbox(name), false, `${name}`)
  }
})
