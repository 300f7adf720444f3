import t from 'tap'
import { createRunNames } from '../../../../src/gateway/counting/run-names.ts'

const meter = '0123456789abcdef'
const said = (process: string, run: string) => [
  'x-claude-secure-meter',
  process,
  'X-Claude-Secure-Run',
  run,
]

t.test('requests of a process count for the run that was named last', async t => {
  const names = createRunNames()
  t.equal(names.of(meter), meter)
  names.see(said(meter, 'aaaaaaaaaaaaaaaa'))
  t.equal(names.of(meter), 'aaaaaaaaaaaaaaaa')
  names.see(said(meter, 'bbbbbbbbbbbbbbbb'))
  t.equal(names.of(meter), 'bbbbbbbbbbbbbbbb')
  t.equal(names.of('interactive'), 'interactive')
})

t.test('what is not as the runner says it names nothing', async t => {
  const names = createRunNames()
  for (const headers of [
    [],
    said(meter, 'interactive'),
    said(meter, '../../../../etc/'),
    said('interactive', 'aaaaaaaaaaaaaaaa'),
    ['x-claude-secure-run', 'aaaaaaaaaaaaaaaa'],
    [...said(meter, 'aaaaaaaaaaaaaaaa'), 'x-claude-secure-run', 'bbbbbbbbbbbbbbbb'],
  ]) {
    names.see(headers)
    t.equal(names.of(meter), meter, headers.join(' '))
    t.equal(names.of('interactive'), 'interactive')
  }
})

t.test('made-up processes do not fill the memory', async t => {
  const names = createRunNames(2)
  const other = (i: number) => String(i).padStart(16, '0')
  for (let i = 0; i < 3; i++) names.see(said(other(i), meter))
  t.strictSame(
    [0, 1, 2].map(i => names.of(other(i))),
    [other(0), meter, meter],
  )
})
