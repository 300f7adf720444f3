import t from 'tap'
import type { KeptState } from '../../../src/git/turns/kept-states.ts'
import { parseFork } from '../../../src/operations/sessions/fork-name.ts'
import { chooseTarget } from '../../../src/operations/sessions/undo-turns.ts'

t.test('a fork names a session, a commit of it or a state', async t => {
  t.same(parseFork('login'), { name: 'login', commit: null, state: null })
  t.same(parseFork('login:abc1'), { name: 'login', commit: 'abc1', state: null })
  t.same(parseFork('login@12'), { name: 'login', commit: null, state: 12 })
  for (const text of ['', ':abc', '@1', 'login@', 'login@0', 'login@x', 'login:a@1', 'a@1:b']) {
    t.throws(() => parseFork(text), { message: /names no session/, hint: /login@3/ }, text)
  }
})

const state = (number: number, kind: KeptState['kind'], of: number | null = null): KeptState => ({
  ...{ number, kind, of, at: null, head: null, prompt: null },
})

t.test('the target of an undo is the last turn, an earlier one, or a named state', async t => {
  const states = [state(1, 'turn'), state(2, 'turn'), state(3, 'undo', 2)]
  const choose = (wanted: Parameters<typeof chooseTarget>[1]) => chooseTarget(states, wanted, 's')
  t.match(choose({ kind: 'undo', turns: 1 }), { target: { number: 1 }, of: 1, turns: 1 })
  t.match(choose({ kind: 'undo', to: 2 }), { target: { number: 2 }, of: 2, turns: 0 })
  t.match(choose({ kind: 'undo', to: 1 }), { target: { number: 1 }, of: 1, turns: 1 })
  t.match(choose({ kind: 'redo' }), { target: { number: 3 }, of: 3 })
  t.throws(() => choose({ kind: 'undo', turns: 2 }), { message: /does not keep 2 turns/ })
  t.throws(() => choose({ kind: 'undo', to: 9 }), { message: /does not keep state 9/ })
  t.throws(() => chooseTarget([], { kind: 'undo', turns: 1 }, 's'), { message: /no turn to undo/ })
  t.throws(() => chooseTarget([], { kind: 'redo' }, 's'), { message: /no undo to take back/ })
})
