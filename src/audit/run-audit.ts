import { messageOf } from '../base/errors.ts'
import { type Log, step } from '../base/log.ts'
import type { Check, Probe, Verdict } from './probe.ts'
import { openScene, type Scene, type SceneOptions } from './scene.ts'

export type ProbeResult = {
  id: string
  title: string
  attack: string
  standards: readonly string[]
  verdict: Verdict
  checks: Check[]
  milliseconds: number
}

/** Timeout of a probe, so that a hanging probe delays neither the others nor the user. */
const probeMilliseconds = 150_000

/** Opens a scene on the stack, runs the probes in it, and removes everything of the scene. */
export async function attackStack(
  options: SceneOptions & { log: Log },
  probes: readonly Probe[],
): Promise<ProbeResult[]> {
  const { log, signal, stack } = options
  const scene = await openScene(options)
  return step(log, `attacking ${stack.stack}`, async progress => {
    let done = 0
    const results = await runProbes(scene, probes, ({ id }) => {
      done += 1
      progress(`${id} (${done} of ${probes.length})`)
    })
    // Interrupted probes have no result.
    signal.throwIfAborted()
    return results
  }).finally(scene.close)
}

/**
 * Runs all probes at once, because they mostly wait for answers that must not come. Busy probes,
 * which slow others down, run afterwards. Returns the results in the order of the probes.
 */
export async function runProbes(
  scene: Scene,
  probes: readonly Probe[],
  onResult: (result: ProbeResult) => void = () => {},
): Promise<ProbeResult[]> {
  const results = new Map<Probe, ProbeResult>()
  for (const busy of [false, true]) {
    const turn = probes.filter(probe => (probe.busy ?? false) === busy)
    await Promise.all(
      turn.map(async probe => {
        const result = await runProbe(scene, probe)
        results.set(probe, result)
        onResult(result)
      }),
    )
  }
  return probes.flatMap(probe => results.get(probe) ?? [])
}

async function runProbe(scene: Scene, probe: Probe): Promise<ProbeResult> {
  const started = performance.now()
  const checks = await withTimeout(probe.run(scene)).catch((error: unknown): Check[] => [
    { claim: 'the probe ran', verdict: 'unknown', evidence: messageOf(error) },
  ])
  return {
    id: probe.id,
    title: probe.title,
    attack: probe.attack,
    standards: probe.standards,
    verdict: worst(checks),
    checks,
    milliseconds: Math.round(performance.now() - started),
  }
}

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no result within ${probeMilliseconds / 1000} s`)),
      probeMilliseconds,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const order: readonly Verdict[] = ['held', 'weak', 'unknown', 'open']

/** Returns the worst verdict. A probe without a check has proven nothing. */
function worst(checks: readonly Check[]): Verdict {
  if (checks.length === 0) return 'unknown'
  return checks.reduce<Verdict>(
    (verdict, check) =>
      order.indexOf(check.verdict) > order.indexOf(verdict) ? check.verdict : verdict,
    'held',
  )
}

/** Returns whether the audit as a whole succeeded. */
export function allHeld(results: readonly ProbeResult[]): boolean {
  return (
    results.length > 0 && results.every(({ verdict }) => verdict === 'held' || verdict === 'weak')
  )
}
