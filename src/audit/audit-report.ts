import { terminalText } from '../base/terminal-text.ts'
import { allHeld, type ProbeResult } from './run-audit.ts'

/** Recommendations that probes cover, with the edition that the numbers refer to. */
export const standards = {
  neededPorts: 'CIS Docker Benchmark 1.6.0: 5.9 only needed ports are open',
  defaultBridge: "CIS Docker Benchmark 1.6.0: 5.30 Docker's default bridge is not used",
  connectivity: 'OWASP Docker Security RULE #5: inter-container connectivity',
  mappedPorts: 'OWASP Docker Security RULE #5a: ports mapped to the host',
  limits: 'OWASP Docker Security RULE #7: limit resources',
  upToDate: 'OWASP Docker Security RULE #0: keep host and Docker up to date',
  networkAccess: 'NIST SP 800-190 4.4.2: unbounded network access from containers',
  separation: 'NIST SP 800-190 4.3.3: poorly separated inter-container network traffic',
  setuid: 'CIS Docker Benchmark 1.6.0: 4.8 setuid and setgid permissions are removed',
  secretsInImages: 'CIS Docker Benchmark 1.6.0: 4.10 secrets are not stored in Dockerfiles',
  appArmor: 'CIS Docker Benchmark 1.6.0: 5.2 an AppArmor profile is enabled, if applicable',
  capabilities: 'CIS Docker Benchmark 1.6.0: 5.4 kernel capabilities are restricted',
  privileged: 'CIS Docker Benchmark 1.6.0: 5.5 privileged containers are not used',
  hostFolders: 'CIS Docker Benchmark 1.6.0: 5.6 sensitive host directories are not mounted',
  hostNetwork: 'CIS Docker Benchmark 1.6.0: 5.10 the host network namespace is not shared',
  memory: 'CIS Docker Benchmark 1.6.0: 5.11 memory usage is limited',
  processors: 'CIS Docker Benchmark 1.6.0: 5.12 CPU priority is set',
  readOnlyRoot: 'CIS Docker Benchmark 1.6.0: 5.13 the root filesystem is read-only',
  hostProcesses: 'CIS Docker Benchmark 1.6.0: 5.16 the host process namespace is not shared',
  hostIpc: 'CIS Docker Benchmark 1.6.0: 5.17 the host IPC namespace is not shared',
  devices: 'CIS Docker Benchmark 1.6.0: 5.18 host devices are not exposed',
  ulimits: 'CIS Docker Benchmark 1.6.0: 5.19 the default ulimit is overwritten if needed',
  propagation: 'CIS Docker Benchmark 1.6.0: 5.20 mount propagation is not shared',
  hostNames: 'CIS Docker Benchmark 1.6.0: 5.21 the host UTS namespace is not shared',
  seccomp: 'CIS Docker Benchmark 1.6.0: 5.22 the seccomp profile is not disabled',
  newPrivileges: 'CIS Docker Benchmark 1.6.0: 5.26 additional privileges cannot be acquired',
  processLimit: 'CIS Docker Benchmark 1.6.0: 5.29 the PIDs cgroup limit is used',
  hostUsers: 'CIS Docker Benchmark 1.6.0: 5.31 the host user namespaces are not shared',
  engineSocket: 'CIS Docker Benchmark 1.6.0: 5.32 the Docker socket is not mounted',
  noSocket: 'OWASP Docker Security RULE #1: do not expose the daemon socket',
  user: 'OWASP Docker Security RULE #2: set a user',
  fewCapabilities: 'OWASP Docker Security RULE #3: limit capabilities',
  escalation: 'OWASP Docker Security RULE #4: prevent in-container privilege escalation',
  securityModules: 'OWASP Docker Security RULE #6: use a Linux security module',
  readOnly: 'OWASP Docker Security RULE #8: filesystem and volumes read-only',
  secrets: 'OWASP Docker Security RULE #12: secrets for sensitive data',
  imageConfiguration: 'NIST SP 800-190 4.1.2: image configuration defects',
  clearTextSecrets: 'NIST SP 800-190 4.1.4: embedded clear text secrets',
  runtimeFaults: 'NIST SP 800-190 4.4.1: vulnerabilities within the runtime software',
  runtimeConfiguration: 'NIST SP 800-190 4.4.3: insecure container runtime configurations',
  sharedKernel: 'NIST SP 800-190 4.5.2: shared kernel',
  hostFiles: 'NIST SP 800-190 4.5.5: host file system tampering',
} as const

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
export function renderSarif(report: AuditReport, stated = 'compose.yaml'): string {
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
    results: report.probes.flatMap(probe => resultsOf(probe, stated)),
  }
  return JSON.stringify(
    { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [run] },
    null,
    2,
  )
}

const levels = { open: 'error', unknown: 'error', weak: 'warning' } as const

function resultsOf({ id, checks }: ProbeResult, uri: string) {
  return checks.flatMap(({ claim, verdict, evidence }) =>
    verdict === 'held'
      ? []
      : [
          {
            ruleId: id,
            level: levels[verdict],
            message: { text: `${id}: "${claim}" is ${verdict}. ${terminalText(evidence)}` },
            locations: [{ physicalLocation: { artifactLocation: { uri } } }],
          },
        ],
  )
}
