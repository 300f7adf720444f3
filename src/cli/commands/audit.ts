import { auditReport, renderSarif } from '../../audit/audit-report.ts'
import type { Probe } from '../../audit/probe.ts'
import { probes } from '../../audit/probes/index.ts'
import { allHeld, type ProbeResult, runProbes } from '../../audit/run-audit.ts'
import { openScene } from '../../audit/scene.ts'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { machineVersions } from '../../engine/client-find.ts'
import { type Context, openContext } from '../../operations/context.ts'
import { currentStack } from '../../operations/find-stacks.ts'
import { hostFilesNotice } from '../../operations/notices.ts'
import { isUp, type StackState } from '../../stack/inspect.ts'
import type { Invocation } from '../invocation.ts'
import { renderAudit, renderProbeList } from '../render/audit.ts'
import { renderMessage, typedCommands } from '../render/message.ts'

export type AuditOptions = { json?: boolean; sarif?: boolean; probe?: string[]; list?: boolean }

/**
 * Attacks the stack of this folder from inside and reports each control; returns 1 when one did not hold
 * or could not be tried.
 */
export async function audit(options: AuditOptions, invocation: Invocation): Promise<number> {
  const wanted = chosen(options.probe)
  if (options.list) {
    const list = wanted.map(({ id, title, attack, standards }) => ({
      id,
      title,
      attack,
      standards,
    }))
    console.log(options.json ? terminalJson({ version: 1, probes: list }) : renderProbeList(list))
    return 0
  }
  const context = await openContext(invocation)
  const stack = await currentStack(context)
  if (!isUp(stack)) {
    throw new UserError('the stack of this folder is not up', {
      hint: 'run ./claude.ts start, or ./claude.ts status to see the cause',
    })
  }
  const parts = await context.engine.version()
  const results = await attack(context, stack, wanted, machineVersions(context.found, null, parts))
  const report = auditReport({
    stack: stack.stack,
    engine: parts.Version,
    time: new Date(),
    results: results.map(withTypedCommands),
  })
  if (options.sarif) console.log(renderSarif(report))
  else if (options.json) console.log(terminalJson(report))
  else console.log(renderAudit(report, { verbose: invocation.verbose }))
  // Not part of the report: changed host files are for a person to read, and are not a control.
  for (const line of await hostFilesNotice(stack, { all: true }).catch(() => []))
    console.error(renderMessage(line, 2_000))
  return allHeld(results) ? 0 : 1
}

/** Renders our commands in the evidence, for every form of the report. */
function withTypedCommands(result: ProbeResult): ProbeResult {
  const checks = result.checks.map(check => ({ ...check, evidence: typedCommands(check.evidence) }))
  return { ...result, checks }
}

async function attack(
  context: Context,
  stack: StackState,
  wanted: readonly Probe[],
  versions: ReturnType<typeof machineVersions>,
): Promise<ProbeResult[]> {
  const { log } = context
  const scene = await openScene({ ...context, stack, versions })
  const name = `attacking ${stack.stack}`
  const started = performance.now()
  log({ kind: 'step-start', name })
  let done = 0
  try {
    const results = await runProbes(scene, wanted, ({ id }) => {
      done += 1
      log({ kind: 'step-progress', name, text: `${id} (${done} of ${wanted.length})` })
    })
    // Interrupted probes have no result.
    context.signal.throwIfAborted()
    return results
  } finally {
    await scene.close()
    const milliseconds = performance.now() - started
    log({ kind: 'step-end', name, outcome: 'done', milliseconds })
  }
}

function chosen(ids: readonly string[] | undefined): readonly Probe[] {
  if (!ids || ids.length === 0) return probes
  const single = ids.flatMap(id => id.split(',')).filter(Boolean)
  return single.map(id => {
    const probe = probes.find(candidate => candidate.id.toLowerCase() === id.toLowerCase())
    if (probe) return probe
    throw new UserError(`there is no probe ${terminalLine(id, 40)}`, {
      hint: `run ./claude.ts audit --list for their meaning: ${probes.map(({ id }) => id).join(' ')}`,
      exitCode: 2,
    })
  })
}
