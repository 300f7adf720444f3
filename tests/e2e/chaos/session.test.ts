import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createChaosStack } from '../../support/chaos/chaos-stack.ts'
import { createDice, rounds } from '../../support/chaos/dice.ts'
import { firstProcess, programIn } from '../../support/chaos/victims.ts'
import { run } from '../../support/stack/process.ts'
import type { Terminal } from '../../support/stack/terminal.ts'

const dice = createDice(t)
const stack = await createChaosStack(t)

const ready = /^\s*[│>❯]/m

let asked = 0

/** Has a word said in the session, so that it is seen whether a later one knows of it. */
async function converse(terminal: Terminal) {
  asked += 1
  await terminal.waitFor(ready)
  await terminal.submit(`[[say word number ${asked}]]`)
  await terminal.waitFor(new RegExp(`^\\W*word number ${asked}$`, 'm'))
}

async function interrupt(terminal: Terminal, kill: (s: typeof stack) => Promise<void>) {
  await stack.internet.forgetModelRequests()
  await terminal.submit('[[stream 60 50 10]]')
  await stack.untilStreaming()
  const point = dice.between(0, 2_500)
  t.comment(`${point} ms into the answer`)
  await sleep(point)
  await kill(stack)
}

for (const [name, kill] of [
  ['Claude Code', programIn('claude', /^claude /)],
  ["the session's tmux", programIn('claude', /^tmux .*new-session/)],
  ["the container's first process", firstProcess('claude')],
] as const) {
  t.test(`kill -9 of ${name} ends the session, and start continues its conversation`, async t => {
    for (let round = 0; round < rounds(1); round++) {
      await stack.withoutEgress(t, async () => {
        const terminal = await stack.terminal(['start'])
        await converse(terminal)
        await interrupt(terminal, kill)
        t.not(await terminal.exitStatus(), 0, 'start says that it did not end well')
        await stack.untilHealthy('claude')
        const again = await stack.terminal(['start'])
        await again.waitFor(new RegExp(`word number ${asked}`))
        await converse(again)
        await again.press('C-\\')
        t.equal(await again.exitStatus(), 0)
      })
      await stack.aftermath(t)
      const asKeeper = ['exec', '--user', '65532:65532', stack.container('claude')]
      await run('docker', [...asKeeper, 'pkill', '-x', 'tmux: server|tmux'])
    }
  })
}

for (const service of ['proxy', 'gateway'] as const) {
  t.test(`kill -9 of the ${service}: the session itself goes on`, async t => {
    const terminal = await stack.terminal(['start'])
    await converse(terminal)
    for (let round = 0; round < rounds(1); round++) {
      await stack.withoutEgress(t, async () => {
        await interrupt(terminal, firstProcess(service))
        await stack.untilHealthy(service)
        // Claude Code asks again by itself, and the answer comes to its end.
        await terminal.waitFor(/\b59 \.\./)
        await converse(terminal)
      })
    }
    await terminal.press('C-\\')
    t.equal(await terminal.exitStatus(), 0)
    await stack.aftermath(t)
  })
}

t.test('stop leaves nothing of it', t => stack.stopsClean(t))
