import t from 'tap'
import { signRunName } from '../../../../src/base/run-placeholder.ts'
import {
  announcer,
  createRunNames,
  meterOf,
  readAnnouncement,
} from '../../../../src/gateway/counting/run-names.ts'
import type { Caller } from '../../../../src/gateway/credential.ts'
import { upstreamHeaders } from '../../../../src/gateway/http/headers.ts'

const meter = '0123456789abcdef'
const [runA, runB] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb'] as const
const budget = {}
const open: Caller = { tenant: null, placeholder: 'sk-ant-api03-placeholder', budget }
const key = 'k'.repeat(43)
const signed: Caller = { ...open, meterKey: key }

t.test('without a key a run is identified by its header', async t => {
  t.equal(meterOf(['X-Claude-Secure-Meter', meter], { caller: open, meter: null }), meter)
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
    t.equal(meterOf(headers, { caller: open, meter: null }), 'interactive', headers.join(' '))
  }
})

t.test('with a key the header names nobody', async t => {
  const forged = ['x-claude-secure-meter', runA]
  t.equal(meterOf(forged, { caller: signed, meter: null }), 'interactive')
  t.equal(meterOf(forged, { caller: signed, meter }), meter, 'beside a signed placeholder')
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

/** Takes the announcement in these headers, as from a caller without a key. */
function take(names: ReturnType<typeof createRunNames>, headers: string[]) {
  const found = readAnnouncement(headers)
  return found !== null && names.take(found)
}

t.test('requests of a process count for the run that was named last', async t => {
  const names = createRunNames()
  t.equal(names.of(meter), meter)
  t.ok(take(names, announced(meter, runA)))
  t.equal(names.of(meter), runA)
  t.ok(take(names, announced(meter, runB)))
  t.equal(names.of(meter), runB)
  t.equal(names.of('interactive'), 'interactive')
})

t.test('a malformed announcement names no run', async t => {
  const names = createRunNames()
  for (const headers of [
    [],
    announced(meter, 'interactive'),
    announced(meter, '../../../../etc/'),
    announced('interactive', runA),
    ['x-claude-secure-run', runA],
    [...announced(meter, runA), 'x-claude-secure-run', runB],
  ]) {
    t.notOk(take(names, headers))
    t.equal(names.of(meter), meter, headers.join(' '))
    t.equal(names.of('interactive'), 'interactive')
  }
})

t.test('forged process names do not fill the memory', async t => {
  const names = createRunNames({ limit: 2 })
  const other = (i: number) => String(i).padStart(16, '0')
  for (let i = 0; i < 3; i++) take(names, announced(other(i), meter))
  t.strictSame(
    [0, 1, 2].map(i => names.of(other(i))),
    [other(0), meter, meter],
  )
})

const time = 1_700_000_000_000

function proof(caller: Caller, name: { meter: string; run: string; at: number }) {
  const { placeholder, meterKey = '' } = caller
  return `${name.at}.${signRunName({ placeholder, key: meterKey }, name)}`
}

function signedBy(caller: Caller, name: { meter: string; run: string; at: number }) {
  const headers = [...announced(name.meter, name.run), 'x-claude-secure-proof', proof(caller, name)]
  return readAnnouncement(headers)
}

t.test('a key takes only announcements that it signed', async t => {
  const other: Caller = { ...signed, tenant: 'b', placeholder: 'sk-ant-api03-of-another-tenant' }
  const name = { meter, run: runA, at: time }
  const good = signedBy(signed, name)
  t.equal(good && announcer(good, [other, signed]), signed)
  const proofOf = proof(signed, name)
  for (const [what, headers] of [
    ['no proof', announced(meter, runA)],
    ['another run', [...announced(meter, runB), 'x-claude-secure-proof', proofOf]],
    ['another process', [...announced(runB, runA), 'x-claude-secure-proof', proofOf]],
    [
      'another time',
      [...announced(meter, runA), 'x-claude-secure-proof', proofOf.replace('17', '18')],
    ],
    [
      'two proofs',
      [
        ...announced(meter, runA),
        'x-claude-secure-proof',
        proofOf,
        'x-claude-secure-proof',
        proofOf,
      ],
    ],
    ['the key alone', [...announced(meter, runA), 'x-claude-secure-proof', `${time}.${key}`]],
  ] as const) {
    const found = readAnnouncement(headers)
    t.equal(found && announcer(found, [other, signed]), undefined, what)
  }
  const foreign = signedBy({ ...other, meterKey: 'z'.repeat(43) }, name)
  t.equal(foreign && announcer(foreign, [other, signed]), undefined, 'another key')
})

t.test('an announcement counts once, and not after a later one', async t => {
  const names = createRunNames({ since: time })
  const first = signedBy(signed, { meter, run: runA, at: time + 1 })
  const second = signedBy(signed, { meter, run: runB, at: time + 2 })
  if (!first || !second) return t.fail('they are announcements')
  t.ok(names.take(first))
  t.notOk(names.take(first), 'twice')
  t.ok(names.take(second))
  t.notOk(names.take(first), 'the run before, on the same process')
  t.equal(names.of(meter), runB)
  t.notOk(createRunNames({ since: time + 2 }).take(first), 'by a gateway that started since')
})

t.test('what is forgotten cannot be announced again', async t => {
  const names = createRunNames({ limit: 1, since: time })
  const old = signedBy(signed, { meter, run: runA, at: time + 5 })
  const next = signedBy(signed, { meter: runB, run: runB, at: time + 6 })
  if (!old || !next) return t.fail('they are announcements')
  t.ok(names.take(old) && names.take(next))
  t.equal(names.of(meter), meter)
  t.notOk(names.take(old))
})
