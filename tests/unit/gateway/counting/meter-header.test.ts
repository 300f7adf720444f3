import t from 'tap'
import { meterOf } from '../../../../src/gateway/counting/meter-header.ts'
import { upstreamHeaders } from '../../../../src/gateway/http/request-headers.ts'

const meter = '0123456789abcdef'

t.test('a run is known by its header', async t => {
  t.equal(meterOf(['X-Claude-Secure-Meter', meter]), meter)
})

t.test('everything else is a session of a person', async t => {
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
