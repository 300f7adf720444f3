import { terminalText } from '../base/terminal-text.ts'
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

/**
 * Renders the report as SARIF 2.1.0, for code scanning: one rule for each probe, one result for each
 * claim that did not hold. https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
export function renderSarif(report: AuditReport): string {
  const run = {
    tool: {
      driver: {
        name: 'claude-secure audit',
        rules: report.probes.map(({ id, title, attack, standards }) => ({
          id,
          name: title,
          shortDescription: { text: title },
          fullDescription: { text: attack },
          properties: { tags: ['security', ...standards] },
        })),
      },
    },
    invocations: [{ executionSuccessful: true, endTimeUtc: report.time }],
    results: report.probes.flatMap(resultsOf),
  }
  return JSON.stringify(
    { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] },
    null,
    2,
  )
}

const levels = { open: 'error', unknown: 'error', weak: 'warning' } as const

function resultsOf({ id, checks }: ProbeResult) {
  return checks.flatMap(({ claim, verdict, evidence }) =>
    verdict === 'held'
      ? []
      : [
          {
            ruleId: id,
            level: levels[verdict],
            message: { text: `${id}: "${claim}" is ${verdict}. ${terminalText(evidence)}` },
            locations: [{ physicalLocation: { artifactLocation: { uri: 'compose.yaml' } } }],
          },
        ],
  )
}
