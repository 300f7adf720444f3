import t from 'tap'
import { findStack, listed } from '../../../src/stack/inspect.ts'

const stacks = [
  { stack: 'claude-secure-app-0a1b2c3d', workspace: '/home/me/app' },
  { stack: 'claude-secure-app-two-0aff0000', workspace: '/home/me/app two' },
  { stack: 'claude-secure-gone-9c9c9c9c', workspace: null },
]
const find = (wanted: string, folder: string | null = null) =>
  findStack(wanted, stacks, { folder, hint: 'look at list' }).workspace

t.test('by id, name, the beginning of either, or folder', async t => {
  t.equal(find('0a1b2c3d'), '/home/me/app')
  t.equal(find('0a1'), '/home/me/app')
  t.equal(find('9'), null)
  t.equal(find('claude-secure-app-0a1b2c3d'), '/home/me/app')
  t.equal(find('claude-secure-app-t'), '/home/me/app two')
  t.equal(find('app-two'), '/home/me/app two')
  t.equal(find('./app', '/home/me/app'), '/home/me/app')
})

t.test('a name that matches several stacks is refused, and they are listed', async t => {
  t.throws(() => find('0a'), {
    message: '0a matches 2 stacks: 0a1b2c3d /home/me/app, 0aff0000 /home/me/app two',
    hint: 'type more of the name or id',
  })
  t.throws(() => find('app'), { message: /matches 2 stacks/ })
})

t.test(
  'what is none is refused with the next step, and told without its control characters',
  async t => {
    t.throws(() => find('x\x1b]0;owned\x07'), {
      message: /^no stack is called x/,
      hint: 'look at list',
    })
    try {
      find('x\x1b]0;owned\x07')
    } catch (error) {
      t.notMatch(error, { message: /\x1b|\x07/ })
    }
    t.throws(() => find(''), { message: "no stack is called ''" })
    t.throws(() => find('/home/me/other', '/home/me/other'), { message: /other/ })
  },
)

t.test('a long list is cut', async t => {
  const many = Array.from({ length: 12 }, (_, i) => ({
    stack: `claude-secure-w-${String(i).padStart(8, '0')}`,
    workspace: `/w/${i}`,
  }))
  t.match(listed(many), /00000009 \/w\/9, and 2 more$/)
})
