import type { EngineAddress } from '../engine/engine-request.ts'

/** The container in which a stack's agent runs, and its engine. */
export type RunningAgent = { address: EngineAddress; container: string }
