import t from 'tap'
import { confirmStop, endedRuns } from '../../../src/operations/stop.ts'

const one = new Map([['a', ['0123456789abcdef']]])
const two = new Map([
  ['a', ['0123456789abcdef']],
  ['b', ['fedcba9876543210']],
])

function person(canAsk: boolean, answer: boolean) {
  const asked: unknown[][] = []
  const confirm = async (...question: unknown[]) => {
    asked.push(question)
    return answer
  }
  return { asked, canAsk, confirm }
}

t.test('a person is asked before runs are ended, and an empty line keeps them', async t => {
  for (const answer of [true, false]) {
    const at = person(true, answer)
    t.equal(await confirmStop(two, at), answer)
    t.same(at.asked, [['2 runs are active; stop them?', '--force', { byDefault: false }]])
  }
  const at = person(true, false)
  await confirmStop(one, at)
  t.equal(at.asked[0]?.[0], '1 run is active; stop it?')
})

t.test('stop asks nothing without a terminal, or without a run', async t => {
  const script = person(false, false)
  t.equal(await confirmStop(two, script), true)
  const idle = person(true, false)
  t.equal(await confirmStop(new Map(), idle), true)
  t.same([...script.asked, ...idle.asked], [])
})

t.test('the ended runs are named, and many of them in one bounded line', async t => {
  t.equal(endedRuns(one), 'ended 1 active run: 0123456789abcdef')
  t.equal(endedRuns(two), 'ended 2 active runs: 0123456789abcdef, fedcba9876543210')
  const many = new Map([['a', Array.from({ length: 12 }, (_, index) => `r${index}`)]])
  t.match(endedRuns(many), /^ended 12 active runs: r0, .*r9 and 2 more$/)
})
