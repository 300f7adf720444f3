import t from 'tap'
import { isAtLeast } from '../../../src/engine/find-engine.ts'
import { knownCves, openCves } from '../../../src/machine/known-cves.ts'

t.test('each entry can be judged and reported', async t => {
  t.equal(new Set(knownCves.map(({ id }) => id)).size, knownCves.length, 'none stands twice')
  for (const { id, allows, fixed, response, mitigation } of knownCves) {
    t.match(id, /^CVE-\d{4}-\d{4,}$/)
    t.ok(allows, id)
    t.ok(fixed.length > 0, id)
    t.equal(
      mitigation !== undefined,
      response === 'note',
      `${id}: a note says why, and nothing else does`,
    )
    fixed.slice(1).forEach((version, index) => {
      t.ok(isAtLeast(version, fixed[index] ?? version), `${id}: oldest line first`)
    })
  }
})

t.test('a fix counts in its own line, and in every newer one', async t => {
  const open = (version: string) => openCves('containerd', { version }).map(({ id }) => id)
  const both = ['CVE-2024-40635', 'CVE-2024-25621']
  const cases = {
    '1.5.18': both,
    '1.6.38': ['CVE-2024-25621'],
    '1.7.26': both,
    '1.7.27': ['CVE-2024-25621'],
    '1.7.29': [],
    '2.0.3': both,
    '2.0.4': ['CVE-2024-25621'],
    '2.0.7': [],
    '2.1.4': ['CVE-2024-25621'],
    '2.1.5': [],
    '2.2.0': [],
    '3.0.0': [],
    unknown: both,
  }
  for (const [version, ids] of Object.entries(cases)) t.same(open(version), ids, version)
})

t.test('a fix that a distribution backported counts only for its CVE', async t => {
  const open = (component: 'runc' | 'containerd', version: string, revision: string) =>
    openCves(component, { version, revision }).map(({ id }) => id)
  t.same(open('containerd', '1.6.20~ds1', '1.6.20~ds1-1+deb12u3'), [])
  t.same(open('containerd', '1.6.20~ds1', '1.6.20~ds1-1+deb12u1').length, 2)
  t.same(open('containerd', '1.7.24~ds1', '1.7.24~ds1-6'), ['CVE-2024-25621'])
  t.same(open('containerd', '1.7.24~ds1', '1.7.24~ds1-6+deb13u1'), [])
  t.same(open('runc', '1.1.5+ds1', '1.1.5+ds1-1+deb12u1').length, 3, 'one of four')
})

t.test('pre-releases from before the fix are affected', async t => {
  const open = (version: string) => openCves('runc', { version }).length
  t.equal(open('1.4.0-rc.2'), 3)
  t.equal(open('1.4.0-rc.3'), 0)
  t.equal(open('1.4.0'), 0)
})

t.test('releases before a vulnerability was introduced are not affected', async t => {
  const open = (version: string) => openCves('compose', { version }).length
  t.equal(open('2.26.1-4'), 0)
  t.equal(open('2.34.0'), 1)
  t.equal(open('2.40.1'), 1)
  t.equal(open('2.40.2'), 0)
})

t.test("BuildKit is judged by its engine's version", async t => {
  t.equal(openCves('buildkit', { version: '24.0.9' }).length, 3)
  t.equal(openCves('buildkit', { version: '25.0.2' }).length, 0)
})
