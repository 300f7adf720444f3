import t from 'tap'
import { type CanaryEvent, completeEvents } from '../../../src/audit/host-canary.ts'

const attack: CanaryEvent = { kind: 'question', name: '1.2.0.192.in-addr.arpa', type: 12 }

/** A canary whose log shows each event only some reads later. */
function laggingCanary(lag: number) {
  const log: { event: CanaryEvent; from: number }[] = [{ event: attack, from: lag }]
  let reads = 0
  const outsider = {
    async dial(from: string, port: number, { send = '' }: { send?: string } = {}) {
      log.push({ event: { kind: 'connection', port, from }, from: reads + lag })
      log.push({ event: { kind: 'data', port, text: send }, from: reads + lag })
      return { connected: true, received: '' }
    },
  }
  const read = async () => {
    reads++
    return log.filter(({ from }) => from < reads).map(({ event }) => event)
  }
  return { outsider, read }
}

t.test('an event that the log shows late is not missed', async t => {
  const { outsider, read } = laggingCanary(3)
  t.same(await read(), [], 'the log lags')
  t.same(await completeEvents(outsider, read), [attack], 'without the mark itself')
  t.same(await completeEvents(outsider, read), [attack], 'nor that of an earlier call')
})

t.test('a mark whose text the canary missed is sent again', async t => {
  const { outsider, read } = laggingCanary(0)
  let dials = 0
  const flaky = {
    dial: (...args: Parameters<typeof outsider.dial>) =>
      dials++ === 0 ? Promise.resolve({ connected: true, received: '' }) : outsider.dial(...args),
  }
  t.same(await completeEvents(flaky, read), [attack])
  t.equal(dials, 2)
})
