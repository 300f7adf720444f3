import t from 'tap'
import { parseHome } from '../../../src/stack/conversations.ts'

const stack = 'claude-secure-app-0a1b2c3d'

t.test('the homes of a stack, by owner and by what is talked there', async t => {
  t.same(parseHome(stack, `${stack}_home-1000`), {
    volume: `${stack}_home-1000`,
    of: 'sessions',
    uid: '1000',
  })
  t.match(parseHome(stack, `${stack}_worker-home-4242`), { of: 'runs', uid: '4242' })
})

t.test('nothing else is taken for one', async t => {
  for (const name of [
    `${stack}_workspace`,
    `${stack}_home-0`,
    `${stack}_home-1 --privileged`,
    `${stack}_home-`,
    'home-1000',
    `${stack}x_home-1000`,
    `claude-secure-other-0a1b2c3d_home-1000`,
  ]) {
    t.equal(parseHome(stack, name), null, name)
  }
})
