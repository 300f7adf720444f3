import { createColors } from 'picocolors'
import t from 'tap'
import { renderDiagnosis } from '../../../../src/cli/commands/doctor.ts'
import { ok, problem, warning } from '../../../../src/doctor/diagnosis.ts'

t.test('findings are grouped, and each problem has its next step', async t => {
  const text = renderDiagnosis(
    [
      {
        ...warning('a', 'too open', 'chmod 600 x', { kind: 'set-mode', path: 'x', mode: 0o600 }),
        group: 'storage',
      },
      { ...ok('b', 'fine'), group: 'engine' },
      { ...problem('c', 'bad\u001b[31m', 'fix it'), group: 'storage' },
    ],
    createColors(false),
  )
  t.equal(
    text,
    `engine
  ok       fine

storage
  warning  too open
           chmod 600 x
  problem  bad
           fix it

1 problem, 1 warning; ./claude.ts doctor --fix can fix 1`,
  )
})
