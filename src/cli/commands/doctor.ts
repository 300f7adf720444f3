import { createColors } from 'picocolors'
import { terminalJson } from '../../base/terminal-text.ts'
import { diagnose } from '../../doctor/diagnose.ts'
import { type Diagnosis, groups } from '../../doctor/diagnosis.ts'
import { type Repaired, repairAll } from '../../doctor/repair.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderMessage, typedCommands } from '../render/message.ts'
import { hasColours } from '../terminal.ts'

/**
 * Checks the machine, the configuration and the running stack; returns 1 when there is a problem. With
 * `fix` it repairs what it can without losing anything, and then checks again.
 */
export async function doctor(
  options: { json?: boolean; fix?: boolean; dryRun?: boolean },
  invocation: Invocation,
): Promise<number> {
  const before = await diagnose()
  const { signal, log } = invocation
  const repairs =
    options.fix || options.dryRun
      ? await repairAll(before, { dryRun: options.dryRun ?? false, log, signal })
      : null
  const findings = repairs?.some(({ outcome }) => outcome === 'done') ? await diagnose() : before
  if (options.json) {
    const shown = findings.map(({ repair, message, hint, ...rest }) => ({
      ...rest,
      message: typedCommands(message),
      hint: typedCommands(hint),
      fixable: Boolean(repair),
    }))
    const report = {
      version: 1,
      findings: shown,
      ...(repairs && { repairs: repairs.map(withTypedReason) }),
    }
    console.log(terminalJson(report))
  } else {
    if (repairs) console.log(`${renderRepairs(repairs)}\n`)
    console.log(renderDiagnosis(findings, createColors(hasColours(process.stdout))))
  }
  return findings.some(({ severity }) => severity === 'refusal') ? 1 : 0
}

function renderRepairs(repairs: readonly Repaired[]): string {
  if (repairs.length === 0) return '--fix can repair nothing here'
  return repairs
    .map(({ what, outcome, reason }) =>
      renderMessage(`${outcome}: ${what}${reason ? ` (${reason})` : ''}`, 300),
    )
    .join('\n')
}

function withTypedReason({ reason, ...rest }: Repaired): Repaired {
  return reason === undefined ? rest : { ...rest, reason: typedCommands(reason) }
}

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
  const tail = fixable > 0 ? `; ${calledAs()} doctor --fix can fix ${fixable}` : ''
  return `${problems} ${problems === 1 ? 'problem' : 'problems'}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}${tail}`
}
