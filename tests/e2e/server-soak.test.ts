import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import * as z from 'zod'
import { repetitions } from '../support/soak.ts'
import { until } from '../support/stack/process.ts'
import { processesOf, residentMemory } from '../support/stack/process-memory.ts'
import { createTestServer } from '../support/stack/test-server.ts'

const count = repetitions({ short: 72, full: 1_000 })
const tenants = ['main', 'team-b', 'team-c']
const workspaces = ['one', 'two', 'three', 'four']
const places = tenants.flatMap(tenant => workspaces.map(workspace => ({ tenant, workspace })))
const server = await createTestServer(t, {
  tenants: `tenants: [${tenants.map(name => `{ name: ${name} }`).join(', ')}]`,
})
const { request } = server

const tokens = new Map<string, string>()
for (const tenant of tenants) {
  if (tenant === 'main') tokens.set(tenant, server.token)
  else {
    const added = await server.serve(['token', 'add', tenant, '--tenant', tenant])
    if (added.code !== 0) throw new Error(added.stderr)
    tokens.set(tenant, added.stdout.trim())
  }
}
const tokenOf = (tenant: string) => tokens.get(tenant) ?? ''

const Result = z.looseObject({ status: z.string().optional(), result: z.string().nullish() })
const Started = z.looseObject({ runId: z.string() })

/** A run whose id the server has told. */
type Acknowledged = {
  tenant: string
  runId: string
  answer: string
  ends: 'answered' | 'cancelled'
}
const acknowledged: Acknowledged[] = []

/** Each kind of caller takes its turn: one that waits, one that asks later, one that cancels. */
async function runOne(index: number, tenant: string, workspace: string) {
  const token = tokenOf(tenant)
  const answer = `answer ${index} of ${tenant}`
  const isCancelled = index % 10 === 9
  const prompt = isCancelled ? '[[stream 600 100]]' : `[[say ${answer}]]`
  // A prompt that was cancelled before its first word is answered by the next turn of its session too.
  const isAfterCancelled = (index - places.length) % 10 === 9
  const noContinue = isAfterCancelled || index % 8 === 0
  const body = { prompt, workspace, noContinue, async: index % 2 === 1 }
  const { runId } = await until(`run ${index} to start`, async () => {
    const { status, json, text } = await request('/run', { token, body, timeout: 180_000 })
    if (status === 200) return Started.parse(json)
    // A worker without processor time may still end the cancelled run before.
    if (status === 409 && isAfterCancelled) return null
    throw new Error(`run ${index}: ${status} ${text}`)
  })
  acknowledged.push({ tenant, runId, answer, ends: isCancelled ? 'cancelled' : 'answered' })
  if (isCancelled) {
    const cancel = { method: 'POST', token, timeout: 60_000 }
    const cancelled = await request(`/run/cancel?runId=${runId}`, cancel)
    if (cancelled.status !== 200) throw new Error(`cancel ${index}: ${cancelled.text}`)
  }
  // The workspace is free for the next burst.
  await until(
    `run ${index} to end`,
    async () => (await stateOf(tenant, runId)) !== 'running',
    180_000,
  )
}

async function stateOf(tenant: string, runId: string): Promise<string> {
  const { status, json, text } = await request(`/run/result?runId=${runId}`, {
    token: tokenOf(tenant),
  })
  if (status !== 200) throw new Error(`run ${runId} of ${tenant} is lost: ${status} ${text}`)
  const { status: state, result } = Result.parse(json)
  return state ?? `answered: ${result}`
}

const services = ['server', 'ingress', 'gateway', 'proxy']
/** Counts what must not grow with the number of runs. */
async function takeStock() {
  const stock = new Map<string, number>()
  for (const service of services) {
    stock.set(`MiB of ${service}`, await residentMemory(server.container(service)))
    stock.set(`open files of ${service}`, await openFiles(server.container(service)))
  }
  for (const tenant of tenants) {
    const processes = await processesOf(server.container(`worker-${tenant}`))
    // The first is the container's init. A process of the pool is as large as Claude Code makes it.
    stock.set(`open files of the runner of ${tenant}`, openFilesOf(processes[1] ?? 0))
    stock.set(`processes of ${tenant}`, processes.length)
    const listed = ['find', '/home/claude/.tmp', '-mindepth', '1']
    const { stdout } = await server.inside(`worker-${tenant}`, listed)
    stock.set(`temporary files of ${tenant}`, stdout.split('\n').filter(Boolean).length)
  }
  return stock
}

async function openFiles(container: string) {
  return (await processesOf(container)).reduce((sum, pid) => sum + openFilesOf(pid), 0)
}

function openFilesOf(pid: number) {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch {
    // It ended meanwhile.
    return 0
  }
}

/** Bytes of the store of runs with its log. */
function storeBytes() {
  const state = join(server.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', server.stack)
  const folder = join(state, 'server-data')
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0)
}

async function burst(first: number, last: number) {
  for (let index = first; index < last; index += places.length) {
    const now = places.slice(0, last - index)
    await Promise.all(now.map((at, place) => runOne(index + place, at.tenant, at.workspace)))
  }
}

t.test(`${count} runs of three tenants: none is lost, and nothing of them is left`, async t => {
  for (const tenant of tenants) {
    for (const workspace of workspaces) {
      const { status } = await fetch(`${server.url}/files/${workspace}/a.txt`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${tokenOf(tenant)}` },
        body: 'here',
      })
      t.equal(status, 200)
    }
  }
  // All that is loaded at the first runs, and the first processes of the pool.
  const warmUp = Math.floor(count / 4 / places.length) * places.length
  await burst(0, warmUp)
  const before = await takeStock()
  await burst(warmUp, count)
  const after = await takeStock()

  t.equal(acknowledged.length, count)
  const wrong: string[] = []
  for (const { tenant, runId, answer, ends } of acknowledged) {
    const state = await stateOf(tenant, runId)
    const isAsExpected =
      ends === 'cancelled'
        ? // Failed, when such a worker did not confirm the end in time.
          /^(cancelled|failed)$/.test(state)
        : state === `answered: ${answer}`
    if (!isAsExpected)
      wrong.push(`${runId} of ${tenant}: ${state.slice(0, 80)} instead of ${answer}`)
  }
  t.same(wrong, [], 'each run has its own answer')

  for (const tenant of tenants) {
    const { json } = await request('/status', { token: tokenOf(tenant) })
    t.match(json, { busyWorkspaces: [] }, tenant)
    const listed = z.looseObject({ runs: z.array(z.unknown()) }).parse(json).runs.length
    t.equal(listed, acknowledged.filter(run => run.tenant === tenant).length, tenant)
  }
  for (const [name, value] of after) {
    const then = before.get(name) ?? 0
    t.comment(`figure: ${name}: ${Math.round(then)} → ${Math.round(value)}`)
    // The pool has fewer than 40 processes. With 750 runs in between, each leaves less than 100 KiB.
    t.ok(
      value <= then + (name.startsWith('MiB') ? 64 : 40),
      `${name}: ${value}, and ${then} after a quarter of the runs`,
    )
  }
  const store = storeBytes()
  t.comment(`figure: store: ${Math.round(store / 1024)} KiB of ${count} runs`)
  t.ok(store / count < 128 * 1024, `the store has ${store} bytes of ${count} runs`)
})
