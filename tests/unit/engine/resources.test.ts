import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import * as z from 'zod'
import { createResources } from '../../../src/engine/engine.ts'
import { createEngineQuery, type EngineQuery } from '../../../src/engine/query.ts'

t.test('questions about volumes wait for an engine that removes a large one', async t => {
  const asked: [string, number | undefined][] = []
  const query: EngineQuery = async (schema, path, options) => {
    asked.push([path.replace(/\?.*/, ''), options?.idleMilliseconds])
    return schema.parse(path.startsWith('/volumes') ? { Volumes: null } : [])
  }
  const { volumes, volumeNames, networks } = createResources(query)
  t.strictSame(await volumes(['a']), [])
  t.strictSame(await volumeNames(), [])
  t.strictSame(await networks(['a']), [])
  t.strictSame(asked, [
    ['/volumes', 120_000],
    ['/volumes', 120_000],
    ['/networks', undefined],
  ])
})

t.test('an engine that is silent about volumes is not to be restarted', async t => {
  // Short: the path of a socket has 107 bytes.
  const folder = await mkdtemp(join(tmpdir(), 'engine-'))
  const socketPath = join(folder, 's')
  const server = createServer(() => {})
  await new Promise<void>(resolve => server.listen(socketPath, resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
    return rm(folder, { recursive: true })
  })
  const query = createEngineQuery({ socketPath })
  const silent = (path: string) => query(z.unknown(), path, { idleMilliseconds: 50 })
  await t.rejects(silent('/volumes?filters=x'), {
    message: /no answer in 0\.05 s/,
    hint: /removing a large volume: wait/,
  })
  await t.rejects(silent('/networks'), { message: /no answer/, hint: /restart it/ })
})
