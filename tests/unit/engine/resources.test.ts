import t from 'tap'
import { createResources } from '../../../src/engine/engine.ts'
import type { EngineQuery } from '../../../src/engine/query.ts'

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
