import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { sessionChecks } from '../../../../src/audit/probes/r1-session.ts'
import type { Scene } from '../../../../src/audit/scene.ts'

t.test('an interrupted audit leaves no rejection that nobody handles', async t => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => unhandled.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const interrupted = new Error('interrupted')
  const scene = {
    agents: ['claude'],
    stack: { keeper: '65532:65532' },
    // Every program of the audit ends with the interruption, and not all in the same turn.
    insideAs: async () => {
      throw interrupted
    },
    inside: async () => {
      for (let turn = 0; turn < 5; turn++) await setImmediate()
      throw interrupted
    },
  } as unknown as Scene
  const checks = await sessionChecks(scene, 'program')
  await setImmediate()
  t.strictSame([...new Set(checks.map(({ verdict }) => verdict))], ['unknown'])
  t.strictSame(unhandled, [])
})
