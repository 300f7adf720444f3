import t from 'tap'
import { command, renderCommands } from '../../../src/base/command.ts'

t.test('a marked command is shown as the surface types it', async t => {
  const hint = `run ${command('setup')}, then ${command('start --detach')}`
  t.equal(
    renderCommands(hint, words => `./claude.ts ${words}`),
    'run ./claude.ts setup, then ./claude.ts start --detach',
  )
})

t.test('a mark without its other half changes nothing', async t => {
  const half = command('setup').slice(0, -1)
  t.equal(
    renderCommands(half, () => 'x'),
    half,
  )
})
