import t from 'tap'
import { check, held, open, type Probe } from '../../../src/audit/probe.ts'
import { probes, probesNamed, serverProbes } from '../../../src/audit/probes/index.ts'
import { allHeld, runProbes } from '../../../src/audit/run-audit.ts'
import type { Scene } from '../../../src/audit/scene.ts'

const scene = {} as Scene
const probe = (id: string, run: Probe['run']): Probe => ({
  id,
  title: id,
  attack: 'tries it',
  standards: [],
  run,
})

t.test('the worst claim is the verdict', async t => {
  const seen: string[] = []
  const results = await runProbes(
    scene,
    [
      probe('A', async () => [held('a', ''), open('b', '')]),
      probe('B', async () => [held('a', ''), { claim: 'b', verdict: 'weak', evidence: '' }]),
      probe('C', async () => [check('a', true, '')]),
    ],
    ({ id }) => seen.push(id),
  )
  t.strictSame(
    results.map(({ verdict }) => verdict),
    ['open', 'weak', 'held'],
  )
  t.strictSame(seen.sort(), ['A', 'B', 'C'])
  t.notOk(allHeld(results))
  t.ok(allHeld(results.slice(1)), 'a weak probe is not a failure')
  t.notOk(allHeld([]), 'no probe has proven nothing')
})

t.test('a probe that throws or makes no claim is unknown', async t => {
  const results = await runProbes(scene, [
    probe('A', async () => {
      throw new Error('no such container')
    }),
    probe('B', async () => []),
  ])
  t.match(results, [
    { verdict: 'unknown', checks: [{ evidence: 'no such container' }] },
    { verdict: 'unknown' },
  ])
  t.notOk(allHeld(results))
})

t.test(
  'the probes of the network are there, each with an attack, in the order of the threats',
  async t => {
    const ids = probes.map(({ id }) => id)
    t.equal(new Set(ids).size, ids.length)
    t.strictSame(
      ids.filter(id => id.startsWith('N')),
      [...Array.from({ length: 17 }, (_, index) => `N${index + 1}`), 'N19', 'N20', 'N21', 'N22'],
    )
    for (const { id, title, attack } of probes) t.ok(title && attack, id)
  },
)

t.test('a server is attacked as every stack, and at the walls between its parts', async t => {
  const ids = serverProbes.map(({ id }) => id)
  t.equal(new Set(ids).size, ids.length)
  t.strictSame(
    ids.filter(id => id.startsWith('W')),
    Array.from({ length: 7 }, (_, index) => `W${index + 1}`),
  )
  const left = probes.map(({ id }) => id).filter(id => !ids.includes(id))
  t.strictSame(left, ['H1', 'B1', 'B2'], 'what only a folder has')
  t.throws(() => probesNamed(['H1'], serverProbes), { message: 'there is no probe H1' })
})

t.test('probes are chosen by id in any case, one by one or joined by commas', async t => {
  const ids = (given?: string[]) => probesNamed(given, probes).map(({ id }) => id)
  t.equal(probesNamed(undefined, probes), probes)
  t.equal(probesNamed([], probes), probes)
  t.same(ids(['n5,N1', 's1']), ['N5', 'N1', 'S1'])
  t.throws(() => ids(['N99\x1b[2J']), { message: /^there is no probe N99[^\x1b]*$/, exitCode: 2 })
})
