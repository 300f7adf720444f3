import t from 'tap'
import { approvedServices, isServiceData, statedReason } from '../../../src/audit/added-services.ts'
import { everyService } from '../../../src/audit/probe.ts'
import type { Scene } from '../../../src/audit/scene.ts'

const approved = {
  ...{ name: 'db', expose: [5432], volumes: ['/data'] },
  exceptions: { 'writable-root': 'initdb writes there' },
}
const labelled = (value: unknown) => ({
  Config: { Labels: { 'claude-secure.services': JSON.stringify(value) } },
})
const container = labelled([approved])
const claim = 'the root filesystem of every service is read-only'

t.test('an unreadable label approves nothing', async t => {
  t.same(approvedServices(container), [approved])
  for (const value of ['{', JSON.stringify({}), JSON.stringify([{ name: 'db' }])]) {
    const Config = { Labels: { 'claude-secure.services': value } }
    t.same(approvedServices({ Config }), [], value)
  }
  t.same(approvedServices({ Config: { Labels: null } }), [])
})

t.test('only the approved data volume of the service is expected', async t => {
  const mount = {
    ...{ Type: 'volume', Name: 'claude-secure-app-1_service.db.data', Destination: '/data' },
    ...{ Source: '/var/lib', RW: true },
  }
  t.equal(isServiceData('db', mount, container), true)
  t.equal(isServiceData('cache', mount, container), false)
  t.equal(isServiceData('db', { ...mount, Destination: '/etc' }, container), false)
  t.equal(isServiceData('db', { ...mount, Type: 'bind' }, container), false)
  const home = { ...mount, Name: 'claude-secure-app-1_home-1000' }
  t.equal(isServiceData('db', home, container), false)
})

t.test('a stated exception is weak for its service and claim, and open for others', async t => {
  t.equal(statedReason(claim, 'db', container as never), 'writable-root: initdb writes there')
  t.equal(statedReason('no service is privileged', 'db', container as never), null)
  t.equal(statedReason(claim, 'claude', container as never), null)
  const verdict = (name: string) => {
    const containers = new Map([[name, container]])
    const scene = { inspections: { containers } } as unknown as Scene
    return everyService(scene, claim, () => 'is writable')
  }
  t.match(verdict('db'), { verdict: 'weak', evidence: /db: is writable \(writable-root: initdb/ })
  t.match(verdict('claude'), { verdict: 'open' })
})
