import { allHeld, type ProbeResult } from './run-audit.ts'

/** The output of `audit --json`. Within a version, fields are added, never changed or removed. */
export type AuditReport = {
  version: 1
  stack: string
  /** Version of the container engine. */
  engine: string
  /** ISO 8601. */
  time: string
  held: boolean
  counts: Record<ProbeResult['verdict'], number>
  probes: ProbeResult[]
}

export function auditReport(options: {
  stack: string
  engine: string
  time: Date
  results: readonly ProbeResult[]
}): AuditReport {
  const { stack, engine, time, results } = options
  const counts = { held: 0, weak: 0, unknown: 0, open: 0 }
  for (const { verdict } of results) counts[verdict] += 1
  return {
    version: 1,
    stack,
    engine,
    time: time.toISOString(),
    held: allHeld(results),
    counts,
    probes: [...results],
  }
}
