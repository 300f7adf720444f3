import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { signPlaceholder } from '../../src/base/run-placeholder.ts'
import type { UsageReport } from '../../src/usage/report.ts'
import { must, until } from '../support/stack/process.ts'
import { attachInternet, createTestStack, writeSettings } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t)
const { inside } = stack
const meter = '0123456789abcdef'

async function claude(prompt: string, model: string, env: string[] = []) {
  const outcome = await inside(
    [
      'env',
      ...env,
      'claude',
      '--dangerously-skip-permissions',
      '-p',
      prompt,
      ...['--model', model, '--output-format', 'json'],
    ],
    { timeout: 600_000 },
  )
  return { ...outcome, result: JSON.parse(outcome.stdout) }
}

async function usage(): Promise<UsageReport> {
  const { code, stdout, stderr } = await stack.cli(['usage', '--json'])
  if (code !== 0) throw new Error(stderr)
  return JSON.parse(stdout).stacks[0]
}

const usageFolder = join(
  stack.env.XDG_STATE_HOME ?? '',
  'claude-secure/stacks',
  stack.stack,
  'usage',
)

/** Differs after each write of the gateway. */
async function written() {
  const names = await readdir(usageFolder)
  const files = await Promise.all(
    names.map(async name => ({ name, status: await stat(join(usageFolder, name)) })),
  )
  return files.map(({ name, status }) => `${name} ${status.size} ${status.mtimeMs}`).join('\n')
}

/** The report, when the gateway has written as many requests as that. */
function counted(requests: number) {
  let seen = ''
  return until(`${requests} requests in usage`, async () => {
    const now = await written()
    if (now === seen) return false
    seen = now
    const report = await usage()
    return report.total.requests >= requests && report
  })
}

const near = (a: number, b: number) => Math.abs(a - b) < 1e-9

t.test("the gateway's count equals Claude Code's own, model by model", async t => {
  for (const model of ['haiku', 'sonnet', 'opus', 'opusplan', 'sonnet[1m]', 'opus[1m]']) {
    const before = await usage()
    const { result } = await claude(`[[say answer of ${model}]]`, model)
    t.equal(result.is_error, false, model)
    const after = await counted(before.total.requests + 1)
    const used = Object.entries<Record<string, number>>(result.modelUsage)
    const tokens = (key: string) => used.reduce((sum, [, usage]) => sum + (usage[key] ?? 0), 0)
    t.comment(`${model}: ${JSON.stringify(result.modelUsage)}`)
    t.equal(after.total.input - before.total.input, tokens('inputTokens'), `${model}: input`)
    t.equal(after.total.output - before.total.output, tokens('outputTokens'), `${model}: output`)
    const cost = after.total.costUsd - before.total.costUsd
    t.ok(near(cost, result.total_cost_usd), `${model}: ${cost} is ${result.total_cost_usd}`)
    t.equal(after.total.unpriced + after.total.uncounted, 0, `${model}: a price is known`)
  }
})

t.test(
  'the counts also agree for caches, searches, long prompts, and dearer regions and speeds',
  async t => {
    for (const [model, reported] of [
      ['opus', { input_tokens: 11, output_tokens: 7_001, cache_read_input_tokens: 123_456 }],
      ['sonnet', { cache_creation_input_tokens: 5_003 }],
      [
        'sonnet',
        {
          cache_creation_input_tokens: 9_001,
          cache_creation: { ephemeral_5m_input_tokens: 2_000, ephemeral_1h_input_tokens: 7_001 },
          server_tool_use: { web_search_requests: 3 },
        },
      ],
      ['haiku', { input_tokens: 5, cache_read_input_tokens: 100_001, output_tokens: 3 }],
      ['opus', { inference_geo: 'us', output_tokens: 1_000 }],
      ['opus', { speed: 'fast', output_tokens: 1_000 }],
      ['claude-opus-4-1', { output_tokens: 1_000 }],
      ['claude-haiku-4-5', { output_tokens: 1_000, cache_read_input_tokens: 1_000 }],
    ] as const) {
      const before = await usage()
      const { result } = await claude(`[[usage ${JSON.stringify(reported)}]][[say x]]`, model)
      const after = await counted(before.total.requests + 1)
      const cost = after.total.costUsd - before.total.costUsd
      const what = `${model} ${JSON.stringify(reported)}`
      t.ok(near(cost, result.total_cost_usd), `${what}: ${cost} is ${result.total_cost_usd}`)
      t.equal(after.total.unpriced + after.total.uncounted, 0, what)
    }
  },
)

t.test('a run is identified by its placeholder, and tool use is counted turn by turn', async t => {
  const before = await usage()
  const { placeholder, meterKey } = JSON.parse(
    await readFile(join(usageFolder, '../credential.json'), 'utf8'),
  )
  const signed = signPlaceholder({ placeholder, key: meterKey }, meter)
  const own = [`ANTHROPIC_API_KEY=${signed}`]
  const { result } = await claude('[[bash echo one]][[bash echo two]]', 'haiku', own)
  const after = await counted(before.total.requests + 3)
  const run = after.runs.find(found => found.meter === meter)
  t.ok(run && near(run.costUsd, result.total_cost_usd), JSON.stringify(run))
  t.equal(run?.input, result.usage.input_tokens)
  t.same(after.interactive, before.interactive)
})

t.test(
  'a session cannot have its usage counted as a run, and the header goes no further',
  async t => {
    const before = await usage()
    const header = `ANTHROPIC_CUSTOM_HEADERS=x-claude-secure-meter: ${meter}`
    t.equal((await claude('[[say forged]]', 'haiku', [header])).code, 0)
    const after = await counted(before.total.requests + 1)
    t.same(after.runs, before.runs)
    t.ok(after.interactive.requests > before.interactive.requests)
    for (const { rawHeaders } of await stack.internet.modelRequests()) {
      t.notMatch(rawHeaders.join('\n'), /claude-secure-meter/i)
    }
  },
)

t.test('a subagent is counted by the name that Claude Code gives it', async t => {
  const before = await usage()
  const input = JSON.stringify({
    ...{ description: 'count', subagent_type: 'general-purpose' },
    prompt: 'say anything',
  })
  const { result } = await claude(`[[tool Agent ${input}]][[say done]]`, 'haiku')
  t.equal(result.is_error, false)
  const after = await counted(before.total.requests + 3)
  const session = after.interactive.agents.filter(found => found.session === result.session_id)
  const sub = session.filter(({ agent }) => agent !== null)
  t.equal(sub.length, 1, JSON.stringify(session))
  t.match(sub, [{ agent: /^[\w-]{1,64}$/, parentAgent: null, requests: 1 }])
  t.ok(session.some(({ agent, requests }) => agent === null && requests >= 2))
  t.match((await stack.cli(['usage'])).stdout, `  agent ${sub[0]?.agent} `)
})

t.test('a model without a price is shown as such', async t => {
  const before = await usage()
  await claude('[[say hi]]', 'claude-next-9')
  const after = await counted(before.total.requests + 1)
  t.equal(after.total.unpriced, 1)
  t.ok(
    after.total.estimatedUsd - after.total.costUsd >
      before.total.estimatedUsd - before.total.costUsd,
  )
  t.match((await stack.cli(['usage'])).stdout, /1 request to a model without a known price/)
})

t.test(
  'the files hold nothing of prompts, answers or keys, and the agent cannot see them',
  async t => {
    const { stdout } = await inside(['ls', '/var/lib/claude-secure'])
    t.equal(stdout, '')
    const names = await readdir(usageFolder)
    t.ok(names.length > 0)
    for (const name of names) {
      const text = await readFile(join(usageFolder, name), 'utf8')
      t.notMatch(text, /SENTINEL|placeholder|sk-ant|answer of|echo/)
    }
  },
)

t.test('killing the gateway loses no counts, and neither does stop and start', async t => {
  const before = await usage()
  await sleep(1_500)
  await must('docker', ['kill', '--signal', 'KILL', stack.container('gateway')])
  t.same((await usage()).total, before.total)
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  const { result } = await claude('[[say after]]', 'haiku')
  const after = await counted(before.total.requests + 1)
  t.ok(near(after.total.costUsd - before.total.costUsd, result.total_cost_usd))

  await stack.internet.detach()
  t.equal((await stack.cli(['stop'])).code, 0)
  t.same((await usage()).total, after.total, 'while it is down')
})

/** Starts the stack again with a budget per day that leaves this much, and returns what the day has used. */
async function leaveOfBudget(usd: number): Promise<number> {
  const settings = await readFile(join(stack.checkout, '.env'), 'utf8')
  const pairs = settings
    .trim()
    .split('\n')
    .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)] as const)
  const used = (await usage()).total.estimatedUsd
  const budget = (used + usd).toFixed(6)
  await stack.internet.detach()
  await writeSettings(stack.checkout, { ...Object.fromEntries(pairs), BUDGET_USD_PER_DAY: budget })
  const { code, stderr } = await stack.cli(['start', '--detach'])
  if (code !== 0) throw new Error(stderr)
  await attachInternet(stack)
  return used
}

/** Posts requests with the agent's placeholder, and prints the status of each; `abandoned` has no answer in time. */
const postMany = `
  const [key, count, seconds] = process.argv.slice(1)
  const body = JSON.stringify({
    model: 'claude-haiku-4-5', max_tokens: 32000, stream: true,
    messages: [{ role: 'user', content: '[[delay 3600000]] [[say late]]' }],
  })
  const headers = { 'x-api-key': key, 'anthropic-version': '2023-06-01', 'content-type': 'application/json' }
  const post = () => fetch('http://gateway:8787/v1/messages', {
    method: 'POST', headers, body, signal: AbortSignal.timeout(seconds * 1000),
  }).then(async answer => (await answer.text(), answer.status), () => 'abandoned')
  void (async () => {
    for (let left = count; left > 0; left -= 25) {
      const all = await Promise.all(Array.from({ length: Math.min(left, 25) }, post))
      console.log(all.join('\\n'))
      // The rest would wait for as long.
      if (all.includes('abandoned')) return
    }
  })()
`

t.test('requests in flight and abandoned ones count with all that they ask for', async t => {
  const used = await leaveOfBudget(0.05)
  const before = (await usage()).total.requests
  const { placeholder } = JSON.parse(
    await readFile(join(usageFolder, '../credential.json'), 'utf8'),
  )
  await stack.internet.forgetModelRequests()
  const post = async (count: number, seconds: number) => {
    const args = ['node', '-e', postMany, placeholder, `${count}`, `${seconds}`]
    const { code, stdout, stderr } = await inside(args)
    t.equal(code, 0, stderr)
    return [...new Set(stdout.trim().split('\n'))]
  }
  const atModel = async () => (await stack.internet.modelRequests()).length

  // 32,000 tokens cost $0.16: one request is admitted, and leaves nothing for another one.
  const first = inside(['node', '-e', postMany, placeholder, '1', '3600'])
  await until('the first request at the model', async () => (await atModel()) === 1)
  t.same(await post(100, 60), ['429'], 'one is in flight')
  t.equal(await atModel(), 1)

  await inside(['pkill', '-f', 'AbortSignal'])
  await first
  const after = await counted(before + 1)
  t.ok(after.total.estimatedUsd - used >= 0.16, `${after.total.estimatedUsd - used}`)
  t.same(await post(100, 60), ['402'], 'one was abandoned')
  t.equal(await atModel(), 1, 'the model had no other one')
})

t.test('a budget stops at once, says why, and nothing goes further', async t => {
  await leaveOfBudget(0.000_001)
  const { total } = await usage()
  t.equal((await claude('[[say the last]]', 'haiku')).code, 0)
  await counted(total.requests + 1)
  await stack.internet.forgetModelRequests()
  const { code, result } = await claude('[[say too much]]', 'haiku')
  t.equal(code, 1)
  t.match(result, { is_error: true, api_error_status: 402 })
  t.match(result.result, /the budget of this day \(UTC\) is used up.*BUDGET_USD_PER_DAY/)
  // As the user called it, so that the command can be pasted.
  t.match(result.result, `run ${join(stack.checkout, 'claude.ts')} usage for details`)
  t.same(await stack.internet.modelRequests(), [])
  t.match((await stack.cli(['usage'])).stdout, /budget of .*: \$0\.0000 left of/)
})
