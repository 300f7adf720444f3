import t from 'tap'
import { readModesInForce } from '../../../../src/stack/server/modes-in-force.ts'

t.test('the modes of a server are those of its container', async t => {
  const asked: string[] = []
  const modes = (Env: string[] | null) =>
    readModesInForce(
      {
        inspect: async path => {
          asked.push(path)
          return { Config: { Env } }
        },
      },
      'a/b',
    )
  t.same(await modes(['PATH=/bin', 'MODES=schedules, api']), ['api', 'schedules'])
  t.same(await modes(['MODES=', 'X=MODES=api']), [])
  t.same(await modes(null), [])
  t.equal(asked[0], '/containers/a%2Fb/json')
})
