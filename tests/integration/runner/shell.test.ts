import { join } from 'node:path'
import t from 'tap'
import { until } from '../../../src/base/async.ts'
import { isThere, parts, startRunner } from './fixture.ts'

const shell = { shell: true }

t.test('a command runs in its workspace, and its output is the result', async t => {
  const { run, root } = await startRunner(t)
  const { started, result, ended } = parts(
    await run('pwd; read -r x; echo "[$x]"; echo error >&2; exit 3', shell),
  )
  t.match(started, { warm: false })
  t.equal(result?.result, `${join(root, 'workspace')}\n[]\nerror\n(exit code 3)`)
  t.match(result, { is_error: false, total_cost_usd: 0 })
  t.match(ended, { outcome: 'completed', exitCode: 3 })
})

t.test('a command is in no argument of a process', async t => {
  const { run } = await startRunner(t)
  const word = `needle${'x'.repeat(20)}`
  const { result } = parts(await run(`: ${word}; tr '\\0' ' ' < /proc/$$/cmdline`, shell))
  t.match(result?.result, /bash -c/)
  t.notMatch(result?.result, /needle/)
})

t.test('a long output is cut, and says so', async t => {
  const { run } = await startRunner(t)
  const { result } = parts(await run('yes abcdefghi | head -n 60000', shell))
  t.ok((result?.result.length ?? 0) < 300_000)
  t.match(result?.result, /\(\d+ further characters\)$/)
})

t.test('what a command leaves behind is ended with it, and a cancel ends it', async t => {
  const { run, begin, ask, runner } = await startRunner(t)
  const { result } = parts(await run('setsid sleep 300 & echo $!', shell))
  const pid = Number(result?.result)
  t.ok(pid > 0)
  t.notOk(isThere(pid))
  const { runId, events } = await begin('sleep 300', shell)
  await until(() => runner.status().runs.length > 0, { every: 20, timeout: 60_000 })
  t.equal((await ask('POST', '/cancel', { runId })).status, 200)
  t.match(parts(await events()).ended, { outcome: 'cancelled' })
})
