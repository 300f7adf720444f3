import { setTimeout as sleep } from 'node:timers/promises'
import { createChaosStack } from '../tests/support/chaos/chaos-stack.ts'
import { firstProcess } from '../tests/support/chaos/victims.ts'
import { run } from '../tests/support/stack/process.ts'
import { describeMachine, load } from './machine.ts'
import { createTeardown } from './teardown.ts'

/**
 * Measures how long a stack takes to recover: bin/tsrun bench/chaos.ts [ROUNDS]. Prints the table of
 * docs/reliability.md; tests/e2e/chaos checks that nothing got out in the meantime.
 */
const rounds = Number(process.argv[2] ?? 20)
/** The engine increases its restart delay for a container that ran for less than ten seconds. */
const betweenKills = 12_000
const services = ['proxy', 'gateway', 'claude'] as const

const teardown = createTeardown()
const stop = () => void teardown.run().then(() => process.exit(130))
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
const before = load()

async function main() {
  const stack = await createChaosStack(teardown.test)
  const samples = Object.fromEntries(services.map(name => [name, [] as number[]]))
  const answers: number[] = []
  for (let round = 0; round < rounds; round++) {
    for (const service of services) {
      await sleep(betweenKills / services.length)
      const restarts = await stack.inspect(service, '{{.RestartCount}}')
      const started = performance.now()
      await firstProcess(service)(stack)
      const format = '{{.RestartCount}} {{.State.Running}} {{.State.Health.Status}}'
      for (;;) {
        const [count, running, health] = (await stack.inspect(service, format)).split(' ')
        if (count !== restarts && running === 'true' && health === 'healthy') break
      }
      samples[service]?.push(performance.now() - started)
    }
    const started = performance.now()
    const { code } = await stack.ask('[[say back]]')
    if (code !== 0) throw new Error(`no answer after round ${round}`)
    answers.push(performance.now() - started)
  }
  const restarted: number[] = []
  for (let round = 0; round < Math.ceil(rounds / 4); round++) {
    await run('docker', ['rm', '--force', ...services.map(stack.container)])
    const started = performance.now()
    const { code, stderr } = await stack.cli(['start', '--detach'])
    if (code !== 0) throw new Error(stderr)
    restarted.push(performance.now() - started)
  }
  console.log('| what | rounds | median | slowest |')
  console.log('|---|---|---|---|')
  for (const service of services) row(`kill -9 of the ${service}, until healthy`, samples[service])
  row('the next `claude -p`, whole', answers)
  row('all containers removed, `start --detach`', restarted)
  console.log(
    ['', ...(await describeMachine()), `- load ${before} before, ${load()} after`].join('\n'),
  )
}

function row(what: string, list: readonly number[] = []) {
  const sorted = [...list].sort((a, b) => a - b)
  const seconds = (value = 0) => `${(value / 1000).toFixed(2)} s`
  const median = sorted[Math.floor(sorted.length / 2)]
  console.log(`| ${what} | ${sorted.length} | ${seconds(median)} | ${seconds(sorted.at(-1))} |`)
}

try {
  await main()
} finally {
  await teardown.run()
}
