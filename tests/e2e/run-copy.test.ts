import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

// What belongs to root is opened as a copy.
const stack = await createTestStack(t, { workspaceOwner: 0, files: { 'a.txt': 'one\n' } })

t.test('a run works in the copy, and the folder changes only by apply', async t => {
  const { code, stdout, stderr } = await stack.cli([
    'run',
    '[[bash id -u; cat a.txt; echo two > a.txt]] [[say changed]]',
  ])
  t.equal(code, 0, stderr)
  t.equal(stdout, 'changed\n')
  const file = () => readFile(join(stack.workspace, 'a.txt'), 'utf8')
  t.equal(await file(), 'one\n')
  t.match((await stack.cli(['diff', '--stat'])).stdout, /a\.txt/)
  t.match(await stack.cli(['apply']), { code: 0 })
  t.equal(await file(), 'two\n')
})

t.test('the next run continues with the same copy', async t => {
  t.equal((await stack.cli(['run', '[[bash cat a.txt]]'])).stdout, 'two\n')
})

t.test('progress is one live line on a terminal: what it does, elapsed, tokens, cost', async t => {
  const prompt = '[[bash until test -e go; do sleep 0.2; done]] [[say over\n\nend of it]]'
  const terminal = await stack.terminal(['run', prompt])
  await terminal.waitFor(/… Bash: until test -e .* · \d+ s · [\d.]+k tokens · \$0\.\d*[1-9]/)
  await stack.inside(['touch', '/workspace/go'], { service: 'worker' })
  t.equal(await terminal.exitStatus(), 0)
  const screen = await terminal.screen()
  t.match(screen, /^end of it$/m)
  t.notMatch(screen, /until test/, 'and gone at the end')
  t.match(screen, /^\d+ s · [\d.]+k tokens · \$0\.\d{4}$/m, 'but for what it used')
})

const tails = async () =>
  (await stack.inside(['pgrep', '-xc', 'tail'], { service: 'worker' })).stdout.trim()

t.test('Ctrl-C in a terminal cancels', async t => {
  const terminal = await stack.terminal(['run', '[[bash tail -f /dev/null]]'])
  await terminal.waitFor(/Bash: tail -f/)
  await until('the agent to be at work', async () => (await tails()) === '1')
  await terminal.press('C-c')
  t.equal(await terminal.exitStatus(), 130)
  t.equal(await tails(), '0')
})
