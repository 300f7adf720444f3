import { messageOf } from '../base/errors.ts'
import type { Scene } from './scene.ts'

/**
 * `held`: the attack failed. `open`: it succeeded, or a control that stops it is gone. `weak`: the
 * control holds, and what lies below it is known to be fragile. `unknown`: it could not be tried,
 * which counts as failure: a control that nobody saw is not proven.
 */
export type Verdict = 'held' | 'weak' | 'open' | 'unknown'

/** One thing a probe tried or looked at. */
export type Check = {
  /** What holds when it holds: "no capability is left". Unique within the probe. */
  claim: string
  verdict: Verdict
  /** What was seen, short. Parts of it may come from a hostile container. */
  evidence: string
}

/** One row of the threat list, attacked. */
export type Probe = {
  /** Of the threat: N1, C2, H3, S1. */
  id: string
  title: string
  /** The attack in a sentence. */
  attack: string
  /** Recommendations of standards it stands for, such as "CIS Docker 1.6: 5.4". */
  standards: readonly string[]
  /** It keeps the machine or the twin busy: tried when all others are done. */
  busy?: boolean
  /** Throws only for what was not foreseen; the audit makes that an `unknown`. */
  run: (scene: Scene) => Promise<Check[]>
}

export function held(claim: string, evidence: string): Check {
  return { claim, verdict: 'held', evidence }
}

export function open(claim: string, evidence: string): Check {
  return { claim, verdict: 'open', evidence }
}

/** `evidence` when it holds, and when it does not. */
export function check(claim: string, holds: boolean, evidence: string): Check {
  return { claim, verdict: holds ? 'held' : 'open', evidence }
}

/** A check that may fail to be made: then it is `unknown`, and the others of its probe stay. */
export async function orUnknown(claim: string, make: () => Promise<Check>): Promise<Check> {
  return make().catch((error: unknown) => ({
    claim,
    verdict: 'unknown',
    evidence: `it could not be tried: ${messageOf(error)}`,
  }))
}
