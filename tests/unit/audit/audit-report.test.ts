import t from 'tap'
import { auditReport, renderSarif } from '../../../src/audit/audit-report.ts'
import type { ProbeResult } from '../../../src/audit/run-audit.ts'
import { renderAudit, renderProbeList } from '../../../src/cli/commands/audit.ts'

const hostile = 'a\x1b]0;owned\x07b\x1b[2J\u202ec\nd'

function result(id: string, verdict: ProbeResult['verdict']): ProbeResult {
  const checks = [
    { claim: 'it works', verdict: 'held' as const, evidence: 'yes' },
    { claim: 'it holds', verdict, evidence: hostile },
  ]
  const standards = ['CIS Docker Benchmark 1.6.0: 5.9']
  return { id, title: `of ${id}`, attack: 'tries it', standards, verdict, checks, milliseconds: 7 }
}

const report = auditReport({
  stack: 'claude-secure-x-01234567',
  engine: '26.1.5',
  time: new Date('2026-11-21T15:00:00Z'),
  results: [result('N1', 'held'), result('N2', 'open'), result('C4', 'weak')],
})

t.test('the report counts, and holds only when nothing is open or unknown', async t => {
  t.match(report, {
    version: 1,
    held: false,
    time: '2026-11-21T15:00:00.000Z',
    counts: { held: 1, open: 1, weak: 1, unknown: 0 },
  })
  t.equal(auditReport({ ...report, time: new Date(), results: [result('N1', 'held')] }).held, true)
})

t.test(
  'people see what did not hold, and nothing that a container writes to their terminal',
  async t => {
    const text = renderAudit(report, { verbose: false, colour: false })
    t.match(text, /^N1 +held +of N1 \(2 of 2\)$/m)
    t.match(text, /OPEN +it holds\n +abc d$/m)
    t.notMatch(text, /it works/)
    t.match(text, /^1 of 3 attacks succeeded$/m)
    t.match(renderAudit(report, { verbose: true, colour: false }), /it works/)
    t.notMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/)
  },
)

t.test('an attack that could not be tried is not called a success, and has a next step', t => {
  const untried = (...others: ProbeResult[]) =>
    renderAudit(
      {
        ...auditReport({
          ...report,
          time: new Date(),
          results: [result('H3', 'unknown'), ...others],
        }),
      },
      { verbose: false, colour: false },
    )
      .split('\n')
      .at(-1)
  t.equal(untried(), '1 of 1 attacks could not be tried: run ./claude.ts audit --probe H3')
  t.equal(
    untried(result('N2', 'open')),
    '1 of 2 attacks succeeded; 1 of 2 attacks could not be tried: run ./claude.ts audit --probe H3',
  )
  t.end()
})

t.test('the list names attack and standards', async t => {
  const text = renderProbeList(report.probes)
  t.match(text, /^C4 {3}of C4\n {5}tries it\n {5}CIS Docker Benchmark 1\.6\.0: 5\.9$/m)
})

t.test(
  'code scanning gets a rule for each probe and a result for each claim that fell',
  async t => {
    const { runs, version } = JSON.parse(renderSarif(report))
    t.equal(version, '2.1.0')
    t.strictSame(
      runs[0].tool.driver.rules.map(({ id }: { id: string }) => id),
      ['N1', 'N2', 'C4'],
    )
    t.match(runs[0].results, [
      { ruleId: 'N2', level: 'error', message: { text: /"it holds" is open/ } },
      { ruleId: 'C4', level: 'warning' },
    ])
    t.notMatch(runs[0].results[0].message.text, /[\x00-\x09\x0b-\x1f\u202e]/)
  },
)
