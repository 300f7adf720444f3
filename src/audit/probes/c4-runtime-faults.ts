import { type Finding, judgeRequirements } from '../../machine/requirements.ts'
import { standards } from '../audit-report.ts'
import type { Check, Probe, Verdict } from '../probe.ts'

const verdicts: Record<Finding['severity'], Verdict> = {
  ok: 'held',
  note: 'held',
  // Known escapes that only an update closes: the audit reports them, and the other controls still
  // hold.
  warning: 'weak',
  refusal: 'open',
}

/** The parts that confine a container, each with the claim that it has no known escape. */
const parts = [
  ['engine', 'the engine is recent enough'],
  ['engine-faults', 'the engine has no known escape'],
  ['runc', 'runc has no known escape'],
  ['containerd', 'containerd has no known escape'],
  ['desktop', 'Docker Desktop has no known escape'],
] as const

/** CVE-2024-21626, CVE-2025-31133, CVE-2025-52565, CVE-2025-52881, and others in a table. */
export const runtimeFaults: Probe = {
  id: 'C4',
  title: 'a known vulnerability of the container runtime',
  attack: 'leave the container through a known vulnerability of its runtime',
  standards: [standards.upToDate, standards.runtimeFaults],
  async run(scene) {
    const findings = judgeRequirements(scene.versions)
    const checks = parts.flatMap(([part, claim]): Check[] => {
      const finding = findings.find(({ id }) => id === part)
      if (!finding) return []
      const { severity, message, hint } = finding
      const advice = severity === 'ok' ? '' : `; ${hint}`
      return [{ claim, verdict: verdicts[severity], evidence: `${message}${advice}` }]
    })
    if (scene.versions.runc) return checks
    return [
      ...checks,
      {
        claim: 'the version of the runtime is known',
        verdict: 'weak',
        evidence:
          'the engine does not report a version of runc, so known vulnerabilities cannot be checked',
      },
    ]
  },
}
