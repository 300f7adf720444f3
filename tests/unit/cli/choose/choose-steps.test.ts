import t from 'tap'
import { chooseSteps } from '../../../../src/cli/choose/choose-steps.ts'
import type { Step } from '../../../../src/workspace/copy/journal.ts'

const entry = (sha256: string) => ({ type: 'file' as const, sha256, executable: false, size: 1 })
const state = { entry: entry('0'), mode: 0o644, uid: 0, gid: 0 }

function step(path: string, kind: 'A' | 'M' | 'D' = 'M'): Step {
  return {
    path,
    before: kind === 'A' ? null : state,
    after: kind === 'D' ? null : entry('1'),
    baseline: null,
    removes: [],
    makes: [],
  }
}

const hunk = (oldStart: number) => ({
  oldStart,
  oldLines: 1,
  newStart: oldStart,
  newLines: 1,
  lines: ['-old', '+new'],
})

/** Returns the chosen steps, the questions and the shown texts when these lines are typed. */
async function chosen(steps: Step[], answers: (string | null)[], conflicts: string[] = []) {
  const asked: string[] = []
  let shown = ''
  const left = [...answers]
  const taken = await chooseSteps(steps, new Set(conflicts), {
    ask: async question => {
      asked.push(question)
      return left.shift() ?? null
    },
    show: text => {
      shown += text
    },
    patchOf: async ({ path }) => `patch of ${path}\n`,
    hunksOf: async ({ path }) => (path === 'parts' ? [hunk(1), hunk(9)] : null),
    withHunks: async (of, hunks) => ({ ...of, after: entry(`parts ${hunks.length}`) }),
  })
  return { taken: taken.map(({ path }) => path), steps: taken, asked, shown, left }
}

t.test('yes, no, and the end of input', async t => {
  const { taken, asked } = await chosen(
    [step('a'), step('b', 'A'), step('c', 'D')],
    ['y', 'N', 'yes'],
  )
  t.same(taken, ['a', 'c'])
  t.match(asked, [/^\(1\/3\) M a: apply it\?/, /^\(2\/3\) A b/, /^\(3\/3\) D c/])
  t.same((await chosen([step('a'), step('b')], ['y', 'q'])).taken, ['a'])
  t.same((await chosen([step('a'), step('b')], ['y', null])).taken, ['a'], 'no more input')
})

t.test('`a` applies every file that did not change on the host too', async t => {
  const { taken, asked } = await chosen(
    [step('a'), step('mine'), step('b'), step('yours')],
    ['a', 'n', 'y'],
    ['mine', 'yours'],
  )
  t.same(taken, ['a', 'b', 'yours'])
  t.match(asked[1], /mine changed here too: replace it with the copy's version\?/)
  const single = await chosen([step('mine')], ['a', 'p', 'n'], ['mine'])
  t.same(single.taken, [], 'a file that changed on both sides is taken by yes alone')
})

t.test('the diff and the help are shown, and the question is repeated', async t => {
  const { taken, shown } = await chosen([step('a')], ['d', 'what?', '', 'y'])
  t.same(taken, ['a'])
  t.match(shown, /patch of a\n[\s\S]*apply this file/)
})

t.test('parts are chosen one by one', async t => {
  const some = await chosen([step('parts')], ['p', 'n', 'y'])
  t.match(some.steps, [{ path: 'parts', after: { sha256: 'parts 1' } }])
  t.match(some.shown, /@@ -1,1 \+1,1 @@\n-old\n\+new\n@@ -9,1/)
  const all = await chosen([step('parts')], ['p', 'y', 'y'])
  t.match(all.steps, [{ after: { sha256: '1' } }], 'all parts are the whole')
  t.same((await chosen([step('parts')], ['p', 'n', 'n'])).taken, [])
  t.match((await chosen([step('parts')], ['p', 'y', 'q'])).steps, [
    { after: { sha256: 'parts 1' } },
  ])
  t.same((await chosen([step('parts'), step('b')], ['p', 'y', null])).taken, [])
  t.match((await chosen([step('a')], ['p', 'n'])).shown, /only one part/)
})

t.test('a name cannot forge a question', async t => {
  const { asked } = await chosen([step('a\n(2/2) M b\x1b[2K')], ['n'])
  t.equal(asked[0], '(1/1) M a^J(2/2) M b^[[2K: apply it? [y,n,d,p,a,q,?] ')
})
