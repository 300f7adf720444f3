import type { ImageSet } from '../../images/image-tags.ts'
import type { Additions } from '../../stack/additions/additions.ts'
import type { StackState } from '../../stack/inspect.ts'
import type { Stack } from '../../stack/stack.ts'
import type { StartOutcome } from '../../stack/start.ts'
import type { SeenCopy } from './copy-in.ts'

export type StartedStack = { stack: Stack; state: StackState; outcome: StartOutcome }

/** The steps of a start. Each throws to stop the start, and undoes its own part before it throws. */
export type StartEffects = {
  checkConfiguration: () => Promise<void>
  /** Collects the user's additions; may ask a person to approve those of the folder. */
  customise: () => Promise<Additions>
  refuseAdditionsOfAgent: (additions: Additions) => void
  /** Refuses a start that would become a login by accident. */
  refuseLogin: () => Promise<void>
  /** Runs `body` while no other command changes the stack. */
  withLock: <T>(body: () => Promise<T>) => Promise<T>
  ensureImages: () => Promise<ImageSet>
  inspect: () => Promise<StackState | null>
  refuseOtherMode: (before: StackState | null) => Promise<void>
  /** Asks a person before a copy with unapplied work is discarded; returns what they saw. */
  confirmDiscard: () => Promise<SeenCopy | null>
  /** Refuses to discard other work than the person agreed to. */
  refuseChangedCopy: (before: StackState | null, agreed: SeenCopy | null) => Promise<void>
  openStack: (images: ImageSet, additions: Additions, before: StackState | null) => Promise<Stack>
  startStack: (
    stack: Stack,
    before: StackState | null,
  ) => Promise<{ outcome: StartOutcome; state: StackState }>
  /** Removes what `openStack` wrote of secrets, unless containers are left that need them. */
  forgetSecrets: () => Promise<void>
  announce: (stack: Stack, outcome: StartOutcome) => Promise<void>
  /** Removes the copy of a stack that was changed to the folder itself. */
  leaveCopy: (stack: Stack, state: StackState) => Promise<void>
  copyIn: (stack: Stack, state: StackState) => Promise<void>
  runSetupCommands: (state: StackState, additions: Additions) => Promise<void>
}

/**
 * Starts a stack, or finds it running. Every refusal comes before anything is built or written. The
 * engine reports its current state once, under the lock, and every step gets that state.
 */
export async function startWorkflow(effects: StartEffects): Promise<StartedStack> {
  await effects.checkConfiguration()
  const additions = await effects.customise()
  effects.refuseAdditionsOfAgent(additions)
  await effects.refuseLogin()
  const agreed = await effects.confirmDiscard()
  return effects.withLock(async () => {
    const images = await effects.ensureImages()
    const before = await effects.inspect()
    await effects.refuseOtherMode(before)
    await effects.refuseChangedCopy(before, agreed)
    const { stack, outcome, state } = await brought(effects, images, additions, before)
    await effects.announce(stack, outcome)
    await effects.leaveCopy(stack, state)
    await effects.copyIn(stack, state)
    await effects.runSetupCommands(state, additions)
    return { stack, state, outcome }
  })
}

async function brought(
  effects: StartEffects,
  images: ImageSet,
  additions: Additions,
  before: StackState | null,
): Promise<StartedStack> {
  try {
    const stack = await effects.openStack(images, additions, before)
    return { stack, ...(await effects.startStack(stack, before)) }
  } catch (error) {
    // The reason of the failure matters more; `stop` removes the secrets, too.
    await effects.forgetSecrets().catch(() => {})
    throw error
  }
}
