import { once } from 'node:events'
import { createServer } from 'node:net'
import Fastify from 'fastify'
import t from 'tap'
import { listenOnLoopback } from '../../../src/web/listen.ts'
import { freePort } from '../../support/stack/free-port.ts'

t.test('takes the first free port, and only of the loopback', async t => {
  const taken = await freePort()
  const other = createServer().listen(taken, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const app = Fastify()
  t.teardown(() => app.close())
  const port = await listenOnLoopback(app, null, taken)
  t.ok(port > taken)
  t.match(app.server.address(), { address: '127.0.0.1', port })
})

t.test('a port that the user named is taken or refused', async t => {
  const taken = await freePort()
  const other = createServer().listen(taken, '127.0.0.1')
  await once(other, 'listening')
  t.teardown(() => other.close())
  const app = Fastify()
  t.teardown(() => app.close())
  await t.rejects(listenOnLoopback(app, taken), {
    message: `127.0.0.1:${taken} is in use`,
    hint: /choose another port/,
  })
  t.ok((await listenOnLoopback(app, 0)) > 0)
})
