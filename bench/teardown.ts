import type { Test } from 'tap'

/** Lets test support register its cleanup outside of a test. Provides only the `teardown` of a `Test`. */
export function createTeardown() {
  const steps: (() => unknown)[] = []
  const test = { teardown: (step: () => unknown) => void steps.unshift(step) } as unknown as Test
  return {
    test,
    /** Runs the steps in reverse order. A failing step does not keep the others from running. */
    async run() {
      for (const step of steps.splice(0)) {
        try {
          await step()
        } catch (error) {
          console.error(`cleaning up: ${error}`)
        }
      }
    },
  }
}
