import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createEngine } from '../../../src/engine/engine.ts'

async function answering(t: Test, status: number, body: unknown) {
  const server = createServer((_, answer) => {
    answer.writeHead(status, { 'content-type': 'application/json' })
    answer.end(JSON.stringify(body))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  return createEngine({ host: '127.0.0.1', port })
}

t.test('a container that ended or was removed since it was listed has no processes', async t => {
  for (const [status, message] of [
    [409, 'container 0a1b is not running'],
    [404, 'No such container: 0a1b'],
  ] as const) {
    const engine = await answering(t, status, { message })
    t.strictSame(await engine.processes('0a1b'), [], String(status))
    t.strictSame(await engine.processesWithAge('0a1b'), [], String(status))
  }
})

t.test('another failure of the engine is not an empty list', async t => {
  const engine = await answering(t, 500, { message: 'ps: exit status 1' })
  const failure = { message: /answered 500 to .containers.0a1b.top$/ }
  await t.rejects(engine.processes('0a1b'), failure)
  await t.rejects(engine.processesWithAge('0a1b'), failure)
})
