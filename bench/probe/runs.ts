import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { interleave } from '../interleave.ts'
import type { RunsPlan } from './runs-plan.ts'

/** Measures from within a worker: its runner against the bare program, in turns. */
const plan = JSON.parse(process.argv[2] ?? '') as RunsPlan
const [first = '', ...others] = plan.workspaces
const token = readFileSync('/run/claude-secure/token', 'utf8').trim()

process.stdout.write(JSON.stringify(await measure()))
process.exit(0)

function measure() {
  if (plan.kind === 'one') {
    return interleave(plan.repetitions, {
      fresh: async () => {
        await warmed([first])
        return timed(() => post(first, 'fresh'))
      },
      turn: async () => {
        await post(first, 'continue')
        return timed(() => post(first, 'continue'))
      },
      cold: () => timed(() => bare(first)),
    })
  }
  const { runs } = plan
  const all = [first, ...others]
  const of = (index: number) => all[index % all.length] ?? first
  return interleave(plan.repetitions, {
    ours: async () => {
      await warmed(all)
      // One at a time in each workspace: the second finds it busy before.
      return timed(() =>
        Promise.all(
          all.map(async (workspace, index) => {
            for (let run = index; run < runs; run += all.length) {
              await post(workspace, run < all.length ? 'fresh' : 'continue')
            }
          }),
        ),
      )
    },
    baseline: () =>
      timed(() => Promise.all(Array.from({ length: runs }, (_, index) => bare(of(index))))),
  })
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

/** Waits until the pool has refilled after a run, so that the next run's time does not include it. */
async function warmed(names: readonly string[]) {
  const deadline = Date.now() + 20_000
  for (;;) {
    const { warm } = JSON.parse(await ask('GET', '/status')) as { warm: { workspace: string }[] }
    const there = new Set(warm.map(({ workspace }) => workspace))
    if (names.every(name => there.has(`/workspaces/${name}`)) || Date.now() > deadline) break
    for (const name of names.filter(name => !there.has(`/workspaces/${name}`))) {
      await ask('POST', '/warm', { workspace: `/workspaces/${name}` }).catch(() => '')
    }
    await sleep(200)
  }
  // A process is listed as soon as it starts, and is ready only after it has booted.
  await sleep(2_000)
}

async function post(workspace: string, session: 'fresh' | 'continue') {
  const answer = await ask('POST', '/run', {
    version: 1,
    runId: randomBytes(8).toString('hex'),
    workspace: `/workspaces/${workspace}`,
    request: { prompt: plan.prompt, session: { kind: session }, timeoutSeconds: 60 },
  })
  if (!answer.includes('"outcome":"completed"') || !answer.includes('"is_error":false')) {
    throw new Error(`the run failed: ${answer.slice(-2_000)}`)
  }
}

function ask(method: string, path: string, body?: object): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request({
      socketPath: '/run/claude-secure/runner.sock',
      method,
      path,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    })
    call.once('error', reject)
    call.once('response', answer => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', chunk => {
        text += chunk
      })
      answer.once('error', reject)
      answer.once('end', () => resolve(text))
    })
    call.end(body && JSON.stringify(body))
  })
}

function bare(workspace: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const args = ['--dangerously-skip-permissions', '-p', plan.prompt]
    const child = spawn('claude', args, {
      cwd: `/workspaces/${workspace}`,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    child.once('error', reject)
    child.once('close', code =>
      code === 0 ? resolve() : reject(new Error(`claude ended with ${code}`)),
    )
  })
}
