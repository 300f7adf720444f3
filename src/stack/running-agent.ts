import type { EngineAddress } from '../engine/engine-request.ts'

/** Where the agent of a stack is. */
export type RunningAgent = { address: EngineAddress; container: string }
