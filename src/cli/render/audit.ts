import { createColors } from 'picocolors'
import type { AuditReport } from '../../audit/audit-report.ts'
import type { Check, Probe, Verdict } from '../../audit/probe.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { hasColours } from '../terminal.ts'

/**
 * Renders one line for each probe, and below it the failed claims with their evidence; all claims when
 * `verbose`. The last line is the summary.
 */
export function renderAudit(
  report: AuditReport,
  options: { verbose: boolean; colour?: boolean },
): string {
  const colours = createColors(options.colour ?? hasColours(process.stdout))
  const { green, yellow, red, dim, bold } = colours
  const marks: Record<Verdict, string> = {
    held: green('held   '),
    weak: yellow('weak   '),
    unknown: red('UNKNOWN'),
    open: red('OPEN   '),
  }
  const line = ({ claim, verdict, evidence }: Check) =>
    `             ${marks[verdict]}  ${terminalLine(claim, 120)}\n                      ${dim(terminalLine(evidence, 300))}`
  const rows = report.probes.flatMap(({ id, title, verdict, checks }) => [
    `${id.padEnd(4)} ${marks[verdict]}  ${title} ${dim(`(${held(checks)} of ${checks.length})`)}`,
    ...checks.filter(check => options.verbose || check.verdict !== 'held').map(line),
  ])
  const { counts } = report
  const failed = counts.open + counts.unknown
  const all = report.probes.length
  const summary = report.held
    ? counts.weak
      ? yellow(
          `${counts.held} of ${all} attacks were stopped, ${counts.weak} with a warning for you to assess`,
        )
      : green(all === 1 ? 'the attack was stopped' : `all ${all} attacks were stopped`)
    : red(
        `${failed} of ${all} attacks were not stopped${counts.unknown ? ` (${counts.unknown} of them could not be tried)` : ''}`,
      )
  return [...rows, '', bold(summary)].join('\n')
}

function held(checks: readonly Check[]) {
  return checks.filter(({ verdict }) => verdict === 'held').length
}

export function renderProbeList(
  probes: readonly Pick<Probe, 'id' | 'title' | 'attack' | 'standards'>[],
): string {
  return probes
    .map(({ id, title, attack, standards }) =>
      [`${id.padEnd(4)} ${title}`, `     ${attack}`, ...standards.map(text => `     ${text}`)].join(
        '\n',
      ),
    )
    .join('\n')
}
