import t from 'tap'
import { earlyClient } from '../../../../src/cli/run/early-client.ts'

for (const argv of [
  [],
  ['status'],
  ['start'],
  ['run', 'list'],
  ['run', 'result', '0123456789abcdef'],
  ['run', '--detach', 'a prompt'],
  ['run', 'a prompt', '--copy'],
  ['run', '--help'],
]) {
  t.test(`nothing is begun for: ${argv.join(' ')}`, async t => {
    t.equal(await earlyClient(argv), null)
  })
}

t.test('no client is started without an earlier run', async t => {
  process.env.XDG_STATE_HOME = t.testdir({})
  t.equal(await earlyClient(['run', 'a prompt']), null)
  t.equal(await earlyClient(['a prompt of several words']), null)
})
