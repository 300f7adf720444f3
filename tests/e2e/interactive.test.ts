import t from 'tap'
import { until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { files: { 'welcome.txt': 'read in a real terminal\n' } })

/** The prompt line of Claude Code: no question stood in between. */
const ready = /^\s*[│>❯]/m

t.test('start opens Claude Code without a question, and it answers', async t => {
  const terminal = await stack.terminal(['start'])
  const screen = await terminal.waitFor(ready)
  t.notMatch(screen, /trust|theme|log ?in|API key/i)
  await terminal.submit('[[read /workspace/welcome.txt]]')
  await terminal.waitFor(/read in a real terminal/)

  await t.test('a narrower window is redrawn', async t => {
    await terminal.resize(70, 24)
    await terminal.waitFor(ready)
    const lines = (await terminal.screen()).split('\n')
    t.ok(lines.every(line => line.length <= 70))
    await terminal.resize(120, 40)
  })

  await t.test('Ctrl-C reaches Claude Code and stops its answer, not the session', async t => {
    await terminal.submit('[[stream 600 100 10]]')
    await terminal.waitFor(/\.\.5 /)
    await terminal.press('C-c')
    await until('the model to be told', async () =>
      (await stack.internet.modelRequests()).some(({ outcome }) => outcome === 'gone'),
    )
    t.notMatch(await terminal.screen(), /\.\.599/)
    await terminal.waitFor(ready)
    t.pass('back at the prompt')
  })

  await t.test('Ctrl-\\ detaches, and a second start comes back to the same session', async t => {
    await terminal.press('C-\\')
    t.equal(await terminal.exitStatus(), 0)
    const { stdout } = await stack.inside(['pgrep', '-fc', '^claude'])
    t.not(stdout.trim(), '0', 'Claude Code goes on')
    const second = await stack.terminal(['start'])
    await second.waitFor(/read in a real terminal/)

    await t.test('a closed terminal does not end the session either', async t => {
      await second.hangUp()
      const third = await stack.terminal(['start'])
      await third.waitFor(/read in a real terminal/)

      await t.test("claude's exit status is that of start", async t => {
        await third.submit('/exit')
        t.equal(await third.exitStatus(), 0)
      })
    })
  })
})

t.test('the next start continues the conversation; --no-continue begins a new one', async t => {
  const again = await stack.terminal(['start'])
  await again.waitFor(/read in a real terminal/)
  await again.submit('/exit')
  await again.exitStatus()
  const fresh = await stack.terminal(['start', '--no-continue'])
  const screen = await fresh.waitFor(ready)
  t.notMatch(screen, /read in a real terminal/)
})

t.test('shell is bash in the container, and its exit status is ours', async t => {
  const terminal = await stack.terminal(['shell'])
  await terminal.waitFor(/\$/)
  await terminal.type('id -u; exit 7')
  await terminal.press('Enter')
  t.equal(await terminal.exitStatus(), 7)
  t.match(await terminal.screen(), /4242/)
  t.equal((await stack.cli(['shell'], { input: 'exit 9\n' })).code, 9)
})
