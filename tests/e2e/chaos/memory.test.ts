// exclusive: fills the memory
import t from 'tap'
import { createChaosStack } from '../../support/chaos/chaos-stack.ts'
import { until } from '../../support/stack/process.ts'

const stack = await createChaosStack(t, { settings: { AGENT_MEMORY: '512m' } })
const memory = async (service: string) =>
  Number(await stack.inspect(service, '{{.HostConfig.Memory}}'))
const alive = async (service: string) =>
  `${await stack.inspect(service, '{{.State.Pid}} {{.State.OOMKilled}} {{.RestartCount}}')}`

t.test('a memory bomb of the agent ends in its container', async t => {
  const before = [await alive('proxy'), await alive('gateway')]
  await stack.withoutEgress(t, async () => {
    const bomb = await stack.inside(
      ['node', '-e', 'const a = []; for (;;) a.push(Buffer.alloc(16 << 20, 1))'],
      { timeout: 600_000 },
    )
    t.not(bomb.code, 0, 'the kernel ended it')
    await stack.untilHealthy('claude')
  })
  t.same([await alive('proxy'), await alive('gateway')], before, 'nobody else noticed')
  await stack.aftermath(t)
})

/** Many requests at once, each as large as it may be and larger, none of which is ever read to its end. */
const flood = `
const { connect } = require('node:net')
const [host, port, head] = process.argv.slice(1)
const piece = Buffer.alloc(1 << 20, 120)
let open = 0, sent = 0
for (let i = 0; i < 150; i++) {
  const socket = connect(Number(port), host)
  socket.on('connect', () => { open++; socket.write(head.replaceAll('\\\\n', '\\r\\n')); pour() })
  socket.on('error', () => {})
  socket.on('drain', pour)
  function pour() { while (!socket.destroyed && socket.write(piece)) { sent++ } }
}
setTimeout(() => { console.log(JSON.stringify({ open, sent })); process.exit() }, 6000)
`

for (const [service, host, port, head] of [
  [
    'gateway',
    'gateway',
    '8787',
    'POST /v1/messages HTTP/1.1\\nHost: gateway\\nx-api-key: KEY\\ncontent-type: application/json\\ncontent-length: 900000000\\n\\n{"a":"',
  ],
  ['proxy', 'proxy', '3128', 'CONNECT allowed.test:443 HTTP/1.1\\nHost: allowed.test\\nX-A: '],
] as const) {
  t.test(
    `a flood of requests that never end stays within the memory of the ${service}`,
    async t => {
      const before = await alive(service)
      const key = (await stack.inside(['printenv', 'ANTHROPIC_API_KEY'])).stdout.trim()
      await stack.withoutEgress(t, async () => {
        const result = await stack.inside(
          ['node', '-e', flood, host, port, head.replace('KEY', key)],
          { timeout: 600_000 },
        )
        t.equal(result.code, 0, result.stderr)
        t.ok(JSON.parse(result.stdout).open > 0, result.stdout)
        t.ok((await memory(service)) > 0, 'it has a limit')
        await stack.untilHealthy(service)
      })
      t.equal(await alive(service), before, 'it was not ended for want of memory')
      await stack.aftermath(t)
    },
  )
}

t.test('a service that runs out of memory comes back', async t => {
  const restarts = async () => Number(await stack.inspect('gateway', '{{.RestartCount}}'))
  const before = await restarts()
  await stack.withoutEgress(t, async () => {
    await stack.inside(['node', '-e', 'const a = []; for (;;) a.push(Buffer.alloc(16 << 20, 1))'], {
      service: 'gateway',
      timeout: 600_000,
    })
    // The kernel takes the largest process: the bomb, or the gateway with it.
    await until('the gateway to be there', async () => (await restarts()) >= before)
    await stack.untilHealthy('gateway')
  })
  await stack.aftermath(t)
})

t.test('stop leaves nothing of it', t => stack.stopsClean(t))
