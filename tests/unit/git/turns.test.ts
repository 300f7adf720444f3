import t from 'tap'
import { decodeName, type KeptState, parseKeptStates } from '../../../src/git/turns/kept-states.ts'
import { parsePlannedReturn } from '../../../src/git/turns/planned-return.ts'
import { readHistory } from '../../../src/git/turns/turn-history.ts'

const id = 'a'.repeat(40)
const encode = (text: string) =>
  [...Buffer.from(text)]
    .map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('')

t.test('kept states are read from what the container prints', async t => {
  const message = `turn\nat 1796038370\nhead ${id}\nbranch refs/heads/x\nprompt say \\"hi\\"\\nnow\nlefts 0\n`
  const { running, states } = parseKeptStates(
    `running 1\nstate 2 ${id} ${encode(`undo\nof 1\nhead -\n`)}\nstate 1 ${id} ${encode(message)}\n`,
  )
  t.equal(running, true)
  t.match(states, [
    { number: 1, kind: 'turn', head: id, prompt: 'say "hi"\nnow', at: /^2026-11-30T/ },
    { number: 2, kind: 'undo', of: 1, head: null, prompt: null, at: null },
  ])
})

t.test('lines of another form are no states', async t => {
  const lines = [
    `state 0 ${id} ${encode('turn\n')}`,
    `state 1 ${id} ${encode('other\n')}`,
    `state x ${id} ${encode('turn\n')}`,
    `state 3 ${id} ${encode('turn\nhead main\nat soon\nof -1\nprompt "\n')}`,
    `state 3 ${id} ${encode('turn\n')}`,
    'running yes',
    '\u001b]0;x\u0007',
  ]
  t.same(parseKeptStates(lines.join('\n')), {
    running: false,
    states: [{ number: 3, kind: 'turn', at: null, head: null, of: null, prompt: null }],
  })
  const many = Array.from({ length: 5_000 }, (_, at) => `state ${at + 1} ${id} ${encode('turn\n')}`)
  t.equal(parseKeptStates(many.join('\n')).states.length, 200)
})

t.test('names are bytes', async t => {
  t.equal(decodeName('a%20b/%C3%A9'), 'a b/é')
  t.equal(decodeName('%FF%'), '\udcff%')
})

t.test('a planned return is read, and its lists are bounded', async t => {
  const plan = parsePlannedReturn(
    [
      `seen ${id},${id},refs/heads/x,-`,
      `branch refs/heads/x ${id} refs/heads/%1By`,
      ...['files 2', 'file A - - b%FF', 'file M 1 2 a.txt', 'gones 7', `gone ${id} the%20subject`],
      ...['gone main x', 'backs 0', 'way ignored', 'unfinished a rebase', 'left big'],
      ...Array.from({ length: 1_000 }, () => 'left x'),
    ].join('\n'),
  )
  t.match(plan, {
    seen: /,-$/,
    fileCount: 2,
    files: [
      { path: 'b\udcff', kind: 'added', insertions: null, deletions: null },
      { path: 'a.txt', kind: 'modified', insertions: 1, deletions: 2 },
    ],
    branch: { after: 'x', before: '\u001by' },
    gone: { count: 7, commits: [{ id, subject: 'the subject' }] },
    back: { count: 0, commits: [] },
    inTheWay: ['ignored'],
    unfinished: 'a rebase',
  })
  t.equal(plan?.gone.commits.length, 1)
  t.equal(plan?.left.length, 300)
  t.equal(parsePlannedReturn('files 2'), null)
  t.equal(parsePlannedReturn('seen a;b c'), null, 'not an argument')
})

const state = (number: number, kind: KeptState['kind'], of: number | null = null): KeptState => ({
  ...{ number, kind, of, at: null, head: null, prompt: null },
})
const historyOf = (...states: KeptState[]) => {
  const { turns, undone } = readHistory(states)
  return { turns: turns.map(({ number }) => number), undone: undone?.number ?? null }
}

t.test('an undo takes turns, a redo brings them back, and a turn ends that', async t => {
  const turns = [state(1, 'turn'), state(2, 'turn'), state(3, 'turn')]
  t.same(historyOf(), { turns: [], undone: null })
  t.same(historyOf(...turns), { turns: [1, 2, 3], undone: null })
  const once = [...turns, state(4, 'undo', 3)]
  t.same(historyOf(...once), { turns: [1, 2], undone: 4 })
  const twice = [...once, state(5, 'undo', 2)]
  t.same(historyOf(...twice), { turns: [1], undone: 5 })
  t.same(historyOf(...twice, state(6, 'redo', 5)), { turns: [1, 2], undone: 4 })
  t.same(historyOf(...twice, state(6, 'redo', 5), state(7, 'redo', 4)), {
    turns: [1, 2, 3],
    undone: null,
  })
  t.same(historyOf(...once, state(5, 'turn')), { turns: [1, 2, 5], undone: null })
  t.same(historyOf(...once, state(5, 'redo', 77)), { turns: [1, 2], undone: 4 })
})
