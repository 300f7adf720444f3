import { createColors } from 'picocolors'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { diagnose } from '../../doctor/diagnose.ts'
import type { Diagnosis, Repair } from '../../doctor/diagnosis.ts'
import { describeRepair, runRepair } from '../../doctor/repair.ts'
import type { Invocation } from '../invocation.ts'
import { renderDiagnosis } from '../render/doctor.ts'
import { typedCommands } from '../render/message.ts'
import { hasColours } from '../terminal.ts'

type Done = { what: string; outcome: 'would be done' | 'done' | 'failed'; reason?: string }

/**
 * Checks the machine, the configuration and the running stack; returns 1 when there is a problem. With
 * `fix` it repairs what it can without losing anything, and then checks again.
 */
export async function doctor(
  options: { json?: boolean; fix?: boolean; dryRun?: boolean },
  invocation: Invocation,
): Promise<number> {
  const before = await diagnose()
  const repairs = options.fix || options.dryRun ? await repair(before, options, invocation) : null
  const findings = repairs?.some(({ outcome }) => outcome === 'done') ? await diagnose() : before
  if (options.json) {
    const shown = findings.map(({ repair, message, hint, ...rest }) => ({
      ...rest,
      message: typedCommands(message),
      hint: typedCommands(hint),
      fixable: Boolean(repair),
    }))
    const report = { version: 1, findings: shown, ...(repairs && { repairs }) }
    console.log(terminalJson(report))
  } else {
    if (repairs) console.log(`${renderRepairs(repairs)}\n`)
    console.log(renderDiagnosis(findings, createColors(hasColours(process.stdout))))
  }
  return findings.some(({ severity }) => severity === 'refusal') ? 1 : 0
}

async function repair(
  findings: readonly Diagnosis[],
  { dryRun = false }: { dryRun?: boolean },
  { signal, log }: Invocation,
): Promise<Done[]> {
  const done: Done[] = []
  for (const { repair } of findings) {
    if (!repair) continue
    const result = dryRun ? { outcome: 'would be done' as const } : await run(repair, log, signal)
    done.push(...describeRepair(repair).map(what => ({ what, ...result })))
  }
  return done
}

/** Keeps a failed repair from stopping the others. */
async function run(repair: Repair, log: Log, signal: AbortSignal): Promise<Omit<Done, 'what'>> {
  try {
    await runRepair(repair, { log, signal })
    return { outcome: 'done' }
  } catch (error) {
    signal.throwIfAborted()
    return { outcome: 'failed', reason: typedCommands(messageOf(error)) }
  }
}

function renderRepairs(repairs: readonly Done[]): string {
  if (repairs.length === 0) return '--fix can repair nothing here'
  return repairs
    .map(({ what, outcome, reason }) =>
      terminalLine(`${outcome}: ${what}${reason ? ` (${reason})` : ''}`, 300),
    )
    .join('\n')
}
