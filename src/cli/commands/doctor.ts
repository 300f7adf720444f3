import { createColors } from 'picocolors'
import { terminalLine } from '../../terminal-text.ts'
import { type Diagnosis, diagnose } from '../diagnose.ts'
import type { Invocation } from '../program.ts'

/** Checks the machine and the configuration; returns 1 when something stops `start`. */
export async function doctor(options: { json?: boolean }, invocation: Invocation): Promise<number> {
  const findings = await diagnose(invocation)
  if (options.json) console.log(JSON.stringify({ version: 1, findings }, null, 2))
  else console.log(findings.map(renderFinding).join('\n'))
  return findings.some(({ severity }) => severity === 'refusal') ? 1 : 0
}

function renderFinding({ severity, message, hint }: Diagnosis): string {
  const { green, yellow, red, dim } = createColors(process.stdout.isTTY === true)
  const mark = {
    ok: green('ok     '),
    note: dim('note   '),
    warning: yellow('warning'),
    refusal: red('refused'),
  }[severity]
  return `${mark}  ${terminalLine(message, 300)}${hint && `\n         ${dim(terminalLine(hint, 300))}`}`
}
