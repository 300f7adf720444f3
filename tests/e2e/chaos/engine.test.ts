// exclusive: kills an engine
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { createStackApart } from '../../support/chaos/apart-stack.ts'
import { createDice, rounds } from '../../support/chaos/dice.ts'
import { mountsWith } from '../../support/chaos/resources.ts'
import { startTestStack } from '../../support/stack/test-stack.ts'

const dice = createDice(t)
// Elsewhere the agent waits for `start` after a reboot: reboot-filter.test.ts.
const { stack, engine } = await createStackApart(t, { filters: true })
await startTestStack(stack)

/** An answer of three seconds, in which the blow falls. */
const answer = '[[stream 60 50 10]]'

async function inMidAnswer(t: Test, blow: () => Promise<void>) {
  // With the engine goes the call's way back; some of them wait for it for ever.
  const streaming = stack.ask(answer, 20_000)
  await stack.untilStreaming()
  const point = dice.between(0, 2_500)
  t.comment(`${point} ms into the answer`)
  await sleep(point)
  await blow()
  const { stdout, stderr } = await streaming
  t.notOk((stdout + stderr).includes(stack.secret))
}

type Blow = { name: string; fall: () => Promise<void>; recover: () => Promise<void> }

const blows: readonly Blow[] = [
  {
    // Its containerd goes with it, the containers do not.
    name: 'kill -9 of the engine',
    fall: () => engine.signal('dockerd', 'KILL'),
    recover: engine.restart,
  },
  {
    name: 'kill -9 of containerd',
    fall: () => engine.signal('containerd', 'KILL'),
    // The engine starts its containerd again by itself.
    recover: engine.untilAnswers,
  },
  {
    name: 'an orderly stop of the engine',
    fall: () => engine.signal('dockerd', 'TERM'),
    recover: engine.restart,
  },
  { name: 'a power failure', fall: engine.powerCut, recover: engine.boot },
]

for (const { name, fall, recover } of blows) {
  t.test(`${name} in mid-answer: the stack comes back with the engine`, async t => {
    for (let round = 0; round < rounds(1); round++) {
      await stack.withoutEgress(t, async () => {
        await inMidAnswer(t, fall)
        await recover()
        // Nobody starts it: the restart policy does.
        await stack.untilHealthy('proxy', 'gateway', 'claude')
      })
      await stack.aftermath(t)
    }
  })
}

t.test('stop leaves nothing of it', async t => {
  await stack.stopsClean(t)
  t.same(await mountsWith([`${engine.dataRoot}/overlay2/`], engine.mountTable()), [])
})
