import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import t from 'tap'
import { openTenantRuns } from '../../../src/tenants/runs/tenant-runs.ts'
import { childProgram } from '../../support/child-program.ts'
import { until } from '../../support/stack/process.ts'
import { startWorkers } from './fixture.ts'

const source = join(import.meta.dirname, '../../../src/tenants/runs/tenant-runs.ts')

t.test('a server that is killed amid 10 runs leaves none without an end', async t => {
  const tenants = ['a', 'b'] as const
  const { settings, runners, at } = await startWorkers(t, tenants)
  const question = { question: 'Which?', multiSelect: false, options: [{ label: 'this' }] }
  const ask = `ask ${JSON.stringify({ tool_name: 'AskUserQuestion', input: { questions: [question] } })}`
  const asked = Array.from({ length: 10 }, (_, index) => {
    const tenant = tenants[index % 2] ?? 'a'
    const prompt = index < 3 ? ask : index < 5 ? 'done' : 'silent'
    return { tenant, workspace: at(tenant, `p${index}`), prompt }
  })
  const program = await childProgram(
    t,
    `import { openTenantRuns } from ${JSON.stringify(source)}
    const runs = await openTenantRuns({ ...${JSON.stringify(settings)}, report() {} })
    const say = line => process.stdout.write(JSON.stringify(line) + '\\n')
    for (const { tenant, workspace, prompt } of ${JSON.stringify(asked)}) {
      const run = runs.of(tenant).start({ prompt }, { workspace, asks: true, owner: 'ann' })
      say({ id: run.id, tenant, prompt, workspace })
      run.result.then(result => say({ ended: run.id, status: result.status }))
    }`,
  )
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  const active = () => tenants.flatMap(name => runners[name].runner.status().runs).length
  const lines = () =>
    output
      .split('\n')
      .slice(0, -1)
      .map(line => JSON.parse(line))
  await until('the runs', async () => {
    return active() === 8 && lines().filter(({ ended }) => ended).length === 2
  })
  child.kill('SIGKILL')
  await once(child, 'exit')

  const runs = await openTenantRuns({ ...settings, report: error => t.fail(error.message) })
  t.teardown(() => runs.close())
  const begun = lines().filter(({ id }) => id)
  t.equal(begun.length, 10)
  for (const { id, tenant, prompt, workspace } of begun) {
    const state = prompt === 'done' ? 'succeeded' : 'interrupted'
    const expected = { state, workspace, owner: 'ann', question: null, endedAt: String }
    t.match(await runs.of(tenant).find(id), expected, `${prompt.slice(0, 6)} in ${workspace}`)
    t.match(await runs.of(tenant).result(id), { runId: id, status: state })
  }
  await until('the runners to be free', async () => active() === 0)
  const { tenant, workspace } = asked[9] ?? { tenant: 'a', workspace: '' }
  const next = runs.of(tenant).start({ prompt: 'again' }, { workspace })
  t.match(await next.result, { status: 'succeeded' }, 'no workspace is stuck')
})
