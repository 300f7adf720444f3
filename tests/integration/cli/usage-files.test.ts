import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { stackIdentity } from '../../../src/stack/identity.ts'
import { dayOf, linesFile } from '../../../src/usage/day-files.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'
import { entry } from '../../support/usage/entries.ts'

const script = await createControlScript(t)
// No engine anywhere: the files tell all.
const env = { DOCKER_HOST: 'unix:///nowhere' }
const usage = (...args: string[]) => script.run(['usage', ...args], { env })
const today = dayOf(new Date())

async function used(stack: string, values: object) {
  const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', stack)
  await mkdir(join(state, 'usage'), { recursive: true })
  await writeFile(linesFile(join(state, 'usage'), today, 0), `${JSON.stringify(entry(values))}\n`)
}

t.test('nothing was used, in words and as JSON', async t => {
  t.match(await usage(), { code: 0, stdout: /no usage in the last 7 days/, stderr: '' })
  t.match((await usage()).stdout, /the usage of a login is not counted\n$/)
  const { stdout } = await usage('--json')
  t.match(JSON.parse(stdout), { version: 1, days: 7, total: { requests: 0 } })
  t.match(await usage('--all'), { code: 0, stdout: /never started a stack/ })
})

t.test('of this folder, of all folders, and what is left of the budget', async t => {
  const { stack } = JSON.parse((await usage('--json')).stdout).stacks[0]
  await used(stack, { input: 1_234, costUsd: 0.5, estimatedUsd: 0.5 })
  await used('claude-secure-other-00000000', { input: 1, costUsd: 0.25, estimatedUsd: 0.25 })
  await script.edit(t, '.env', () => 'BUDGET_USD_PER_DAY=2\n')
  const { stdout } = await usage()
  t.match(stdout, /interactive +1 +1,234 .*\$0\.5000/)
  t.match(stdout, new RegExp(`budget of ${today} \\(UTC\\): \\$1\\.5000 left of \\$2\\n$`))
  const all = JSON.parse((await usage('--all', '--json', '--days', '1')).stdout)
  t.equal(all.stacks.length, 2)
  t.match(all.total, { input: 1_235, costUsd: 0.75 })
})

t.test('of a tenant of the server, with the budget that its gateway has', async t => {
  const { name } = stackIdentity({ kind: 'server', server: 'main' })
  const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', name)
  isTwoLines(t, await usage('--tenant', 'blue'), {
    error: /the server has no tenant blue/,
    hint: /tenants\.yaml/,
  })
  await mkdir(join(state, 'usage/blue'), { recursive: true })
  const line = entry({ meter: 'aaaaaaaaaaaaaaaa', agent: 'a1', input: 9, estimatedTokens: 9 })
  await writeFile(linesFile(join(state, 'usage/blue'), today, 0), `${JSON.stringify(line)}\n`)
  const caller = { tenant: 'blue', placeholder: 'p', meterKey: 'k', budget: { tokensPerDay: 100 } }
  const credential = { kind: 'api-key', secret: 'SECRET', placeholder: 'p', callers: [caller] }
  await writeFile(join(state, 'credential.json'), JSON.stringify(credential))
  const { stdout, code } = await usage('--tenant', 'blue')
  t.equal(code, 0)
  t.match(stdout, new RegExp(`^${name}, tenant blue\n`))
  t.match(stdout, /meter aaaaaaaaaaaaaaaa +1 +9 .*\n {2}agent a1 +1 +9 /)
  t.match(stdout, /token budget of .*: 91 left of 100\n$/)
  const { stacks } = JSON.parse((await usage('--tenant', 'blue', '--json')).stdout)
  t.match(stacks, [{ tenant: 'blue', runs: [{ agents: [{ agent: 'a1', input: 9 }] }] }])
  const everything = JSON.parse((await usage('--all', '--json')).stdout)
  t.match(
    everything.stacks.filter((found: { tenant: string | null }) => found.tenant !== null),
    [{ stack: name, tenant: 'blue', total: { input: 9 } }],
  )
  isTwoLines(t, await usage('--tenant', '../../other'), { error: /no tenant \.\./, hint: /./ })
  isTwoLines(t, await usage('--tenant', 'blue', '--all'), { error: /--all/, hint: /./, code: 2 })
})

t.test('a number of days that is none', async t => {
  for (const days of ['0', 'x', '401', '-1']) {
    isTwoLines(t, await usage(`--days=${days}`), { error: /--days/, hint: /--days 30/, code: 2 })
  }
})

t.test('a folder that cannot be read is said', async t => {
  const { stack } = JSON.parse((await usage('--json')).stdout).stacks[0]
  const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', stack, 'usage')
  await mkdir(join(state, '2026-01-01.json'), { recursive: true })
  isTwoLines(t, await usage('--days=400'), {
    error: /cannot read the usage of/,
    hint: /as the user/,
  })
})
