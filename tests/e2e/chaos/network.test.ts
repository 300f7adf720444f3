// exclusive: takes networks away
import t from 'tap'
import { createChaosStack } from '../../support/chaos/chaos-stack.ts'
import { createDice, rounds } from '../../support/chaos/dice.ts'
import { must } from '../../support/stack/process.ts'
import { attachInternet } from '../../support/stack/test-stack.ts'

const dice = createDice(t)
const stack = await createChaosStack(t)
const networks = ['claude-internal', 'services-internal', 'proxy-external'] as const
const members = {
  'claude-internal': ['claude', 'gateway', 'proxy'],
  'services-internal': ['gateway', 'proxy'],
  'proxy-external': ['proxy'],
} as const

for (const network of networks) {
  t.test(`a service is cut off ${network}: no way out opens, and start repairs it`, async t => {
    for (let round = 0; round < rounds(1); round++) {
      const service = dice.pick(members[network])
      t.comment(service)
      await stack.withoutEgress(t, async () => {
        await must('docker', [
          ...['network', 'disconnect', '--force', `${stack.stack}_${network}`],
          stack.container(service),
        ])
        // It would try again for minutes.
        const { stdout } = await stack.inside([
          ...['timeout', '5', 'claude', '--dangerously-skip-permissions', '-p', '[[say cut off]]'],
        ])
        t.notMatch(stdout, stack.secret)
        await stack.internet.detach()
        const { code, stderr } = await stack.cli(['start', '--detach'])
        t.equal(code, 0, stderr)
        await attachInternet(stack)
      })
      await stack.aftermath(t)
    }
  })
}

t.test('all its networks are removed by force: start repairs it', async t => {
  await stack.internet.detach()
  const ids = ['claude', 'gateway', 'proxy'].map(name => stack.container(name))
  for (const network of networks) {
    const name = `${stack.stack}_${network}`
    for (const id of ids) {
      await must('sh', ['-c', 'docker network disconnect --force "$0" "$1" || true', name, id])
    }
    await must('docker', ['network', 'rm', name])
  }
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
  await attachInternet(stack)
  await stack.aftermath(t)
})

t.test('stop leaves nothing of it', t => stack.stopsClean(t))
