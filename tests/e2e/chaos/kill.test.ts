import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createChaosStack } from '../../support/chaos/chaos-stack.ts'
import { createDice, rounds } from '../../support/chaos/dice.ts'
import { firstProcess, programIn, type Victim } from '../../support/chaos/victims.ts'
import { until } from '../../support/stack/process.ts'

const dice = createDice(t)
const stack = await createChaosStack(t)

/** An answer in which the blow falls: long enough to be seen, and found, on a busy machine. */
const answer = '[[stream 200 50 10]]'
const within = { from: 0, to: 2_800 }

const victims: readonly Victim[] = [
  { name: 'proxy: its first process', kill: firstProcess('proxy'), restarts: 'proxy' },
  { name: 'proxy: squid', kill: programIn('proxy', /^squid /), restarts: 'proxy' },
  {
    // Its end must not leave a policy in force that follows the file no longer.
    name: 'proxy: what watches the policy',
    kill: programIn('proxy', /^\/bin\/sh .*entrypoint$/, 'last'),
    restarts: 'proxy',
  },
  { name: 'gateway: its first process', kill: firstProcess('gateway'), restarts: 'gateway' },
  {
    name: 'gateway: node',
    kill: programIn('gateway', /^\S*node .*gateway\.js/),
    restarts: 'gateway',
  },
  { name: 'claude: the program', kill: programIn('claude', /^\S*claude /) },
  { name: 'claude: the first process', kill: firstProcess('claude'), restarts: 'claude' },
]

for (const victim of victims) {
  t.test(`kill -9 in mid-answer, ${victim.name}`, async t => {
    for (let round = 0; round < rounds(1); round++) {
      const point = dice.between(within.from, within.to)
      t.comment(`${point} ms into the answer`)
      await stack.withoutEgress(t, async () => {
        const { restarts } = victim
        const count = async () =>
          restarts ? Number(await stack.inspect(restarts, '{{.RestartCount}}')) : 0
        const before = await count()
        const streaming = stack.ask(answer)
        await stack.untilStreaming()
        await sleep(point)
        await victim.kill(stack)
        if (restarts) {
          await until('the engine to restart it', async () => (await count()) > before)
          await stack.untilHealthy(restarts)
        }
        const { stdout, stderr } = await streaming
        t.notOk((stdout + stderr).includes(stack.secret))
      })
      await stack.aftermath(t)
    }
  })
}

t.test('stop leaves nothing of it', t => stack.stopsClean(t))
