import { createColors } from 'picocolors'
import { type AuditReport, auditReport, renderSarif } from '../../audit/audit-report.ts'
import type { Check, Probe, Verdict } from '../../audit/probe.ts'
import { probes, probesNamed, serverProbes } from '../../audit/probes/index.ts'
import { allHeld, attackStack, type ProbeResult } from '../../audit/run-audit.ts'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { machineVersions } from '../../engine/find-client.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { currentStack } from '../../operations/find-stacks.ts'
import { hostFilesNotice } from '../../operations/notices.ts'
import { findServer, serverIdentity } from '../../operations/serve/server-context.ts'
import { isUp, type StackState } from '../../stack/inspect.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderMessage, typedCommands } from '../render/message.ts'
import { hasColours } from '../terminal.ts'

export type AuditOptions = { json?: boolean; sarif?: boolean; probe?: string[]; list?: boolean }

/**
 * Attacks the stack of this folder from inside and reports each control; returns 1 when one did not hold
 * or could not be tried.
 */
export async function audit(options: AuditOptions, invocation: Invocation): Promise<number> {
  const wanted = probesNamed(options.probe, probes)
  if (options.list) return printProbes(wanted, options)
  const context = await openContext(invocation)
  const stack = await currentStack(context)
  if (!isUp(stack)) {
    throw new UserError('the stack of this folder is not up', {
      hint: `run ${calledAs()} start, or ${calledAs()} status to see the cause`,
    })
  }
  const status = await attack(context, stack, wanted, options, invocation)
  // Not part of the report: changed host files are for a person to read, and are not a control.
  for (const line of await hostFilesNotice(stack, { all: true }).catch(() => []))
    console.error(renderMessage(line, 2_000))
  return status
}

/** Does the same for a server: the probes of every stack, and of the walls between its parts. */
export async function auditServer(
  options: AuditOptions & { name?: string },
  invocation: Invocation,
): Promise<number> {
  const wanted = probesNamed(options.probe, serverProbes)
  if (options.list) return printProbes(wanted, options)
  const context = await openContext(invocation, null)
  const stack = await findServer(context, serverIdentity(options.name))
  if (!stack || !isUp(stack)) {
    throw new UserError('the server is not up', {
      hint: `run ${calledAs()} serve up, or ${calledAs()} serve status to see the cause`,
    })
  }
  return attack(context, stack, wanted, options, invocation)
}

function printProbes(wanted: readonly Probe[], { json }: AuditOptions): number {
  const list = wanted.map(({ id, title, attack, standards }) => ({ id, title, attack, standards }))
  console.log(json ? terminalJson({ version: 1, probes: list }) : renderProbeList(list))
  return 0
}

async function attack(
  context: Context,
  stack: StackState,
  wanted: readonly Probe[],
  options: AuditOptions,
  { verbose }: Invocation,
): Promise<number> {
  const parts = await context.engine.version()
  const versions = machineVersions(context.found, null, parts)
  const results = await attackStack({ ...context, stack, versions }, wanted)
  const report = auditReport({
    stack: stack.stack,
    engine: parts.Version,
    time: new Date(),
    results: results.map(withTypedCommands),
  })
  const isServer = stack.identity?.kind === 'server'
  if (options.sarif) {
    console.log(renderSarif(report, isServer ? 'compose.server.yaml' : 'compose.yaml'))
  } else if (options.json) console.log(terminalJson(report))
  else {
    const command = isServer ? 'serve audit' : 'audit'
    console.log(renderAudit(report, { verbose, command }))
  }
  return allHeld(results) ? 0 : 1
}

/** Renders our commands in the evidence, for every form of the report. */
function withTypedCommands(result: ProbeResult): ProbeResult {
  const checks = result.checks.map(check => ({ ...check, evidence: typedCommands(check.evidence) }))
  return { ...result, checks }
}

/**
 * Renders one line for each probe, and below it the failed claims with their evidence; all claims when
 * `verbose`. The last line is the summary.
 */
export function renderAudit(
  report: AuditReport,
  options: { verbose: boolean; colour?: boolean; command?: string },
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
  const all = report.probes.length
  const summary = report.held
    ? counts.weak
      ? yellow(
          `${counts.held} of ${all} attacks were stopped, ${counts.weak} with a warning for you to assess`,
        )
      : green(all === 1 ? 'the attack was stopped' : `all ${all} attacks were stopped`)
    : red([...failures(report, options.command ?? 'audit')].join('; '))
  return [...rows, '', bold(summary)].join('\n')
}

function* failures({ counts, probes }: AuditReport, command: string) {
  if (counts.open > 0) yield `${counts.open} of ${probes.length} attacks succeeded`
  if (counts.unknown === 0) return
  const untried = probes.filter(({ verdict }) => verdict === 'unknown').map(({ id }) => id)
  yield `${counts.unknown} of ${probes.length} attacks could not be tried: run ${calledAs()} ${command} --probe ${untried.join(' ')}`
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
