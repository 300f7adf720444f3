import type { createColors } from 'picocolors'
import { type Diagnosis, groups } from '../../doctor/diagnosis.ts'
import { renderMessage } from './message.ts'

/** Renders the findings by group, each problem with its next step. */
export function renderDiagnosis(
  findings: readonly Diagnosis[],
  colours: ReturnType<typeof createColors>,
): string {
  const { bold } = colours
  const parts = groups.flatMap(group => {
    const here = findings.filter(finding => finding.group === group)
    return here.length === 0 ? [] : [[bold(group), ...here.map(row(colours))].join('\n')]
  })
  return [...parts, summary(findings)].join('\n\n')
}

const marks = { ok: 'ok', note: 'note', warning: 'warning', refusal: 'problem' }

function row({ green, yellow, red, dim }: ReturnType<typeof createColors>) {
  const colour = { ok: green, note: dim, warning: yellow, refusal: red }
  return ({ severity, message, hint }: Diagnosis) => {
    const mark = colour[severity](marks[severity].padEnd(8))
    return `  ${mark} ${renderMessage(message, 300)}${hint && `\n           ${dim(renderMessage(hint, 400))}`}`
  }
}

function summary(findings: readonly Diagnosis[]) {
  const count = (severity: Diagnosis['severity']) =>
    findings.filter(finding => finding.severity === severity).length
  const [problems, warnings] = [count('refusal'), count('warning')]
  const fixable = findings.filter(({ repair }) => repair).length
  const tail = fixable > 0 ? `; ./claude.ts doctor --fix can fix ${fixable}` : ''
  return `${problems} ${problems === 1 ? 'problem' : 'problems'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}${tail}`
}
