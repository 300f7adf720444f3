import { type Check, check } from '../probe.ts'

/** Judges the lines `reached` or `refused`, attack, process id. */
export function judgeReach(claim: string, attacks: readonly string[], stdout: string): Check {
  const lines = stdout
    .split('\n')
    .map(line => /^(reached|refused) ([a-z]+) (\d+)$/.exec(line))
    .filter(line => line !== null)
    .filter(([, , attack]) => attacks.includes(attack ?? ''))
  const tried = new Set(lines.map(([, , attack]) => attack))
  const missing = attacks.filter(attack => !tried.has(attack))
  if (missing.length > 0) {
    return { claim, verdict: 'unknown', evidence: `not tried: ${missing.join(', ')}` }
  }
  const reached = lines.filter(([, verdict]) => verdict === 'reached')
  return check(
    claim,
    reached.length === 0,
    reached.length > 0
      ? `reached: ${reached.map(([, , attack, pid]) => `${attack} of ${pid}`).join(', ')}`
      : `${lines.length} attempts refused: ${attacks.join(', ')}`,
  )
}
