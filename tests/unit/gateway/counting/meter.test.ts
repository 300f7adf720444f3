import t from 'tap'
import { createRunNames, meterOf } from '../../../../src/gateway/counting/meter.ts'
import { upstreamHeaders } from '../../../../src/gateway/http/headers.ts'

const meter = '0123456789abcdef'

t.test('a run is identified by its header', async t => {
  t.equal(meterOf(['X-Claude-Secure-Meter', meter]), meter)
})

t.test('other requests belong to the interactive session', async t => {
  const name = 'x-claude-secure-meter'
  for (const headers of [
    [],
    [name, ''],
    [name, meter.toUpperCase()],
    [name, `${meter}0`],
    [name, '../../../../etc/'],
    [name, meter, name, meter],
    ['x-other', meter],
    ['x-other', name, meter, 'x'],
  ]) {
    t.equal(meterOf(headers), 'interactive', headers.join(' '))
  }
})

t.test('the header does not leave the stack', async t => {
  const headers = upstreamHeaders(['x-claude-secure-meter', meter], {
    kind: 'api-key',
    secret: 'the-real-api-key',
    placeholder: 'placeholder-placeholder',
  })
  t.notMatch(JSON.stringify(headers), meter)
})

const announced = (process: string, run: string) => [
  'x-claude-secure-meter',
  process,
  'X-Claude-Secure-Run',
  run,
]

t.test('requests of a process count for the run that was named last', async t => {
  const names = createRunNames()
  t.equal(names.of(meter), meter)
  names.see(announced(meter, 'aaaaaaaaaaaaaaaa'))
  t.equal(names.of(meter), 'aaaaaaaaaaaaaaaa')
  names.see(announced(meter, 'bbbbbbbbbbbbbbbb'))
  t.equal(names.of(meter), 'bbbbbbbbbbbbbbbb')
  t.equal(names.of('interactive'), 'interactive')
})

t.test('a malformed announcement names no run', async t => {
  const names = createRunNames()
  for (const headers of [
    [],
    announced(meter, 'interactive'),
    announced(meter, '../../../../etc/'),
    announced('interactive', 'aaaaaaaaaaaaaaaa'),
    ['x-claude-secure-run', 'aaaaaaaaaaaaaaaa'],
    [...announced(meter, 'aaaaaaaaaaaaaaaa'), 'x-claude-secure-run', 'bbbbbbbbbbbbbbbb'],
  ]) {
    names.see(headers)
    t.equal(names.of(meter), meter, headers.join(' '))
    t.equal(names.of('interactive'), 'interactive')
  }
})

t.test('forged process names do not fill the memory', async t => {
  const names = createRunNames(2)
  const other = (i: number) => String(i).padStart(16, '0')
  for (let i = 0; i < 3; i++) names.see(announced(other(i), meter))
  t.strictSame(
    [0, 1, 2].map(i => names.of(other(i))),
    [other(0), meter, meter],
  )
})
