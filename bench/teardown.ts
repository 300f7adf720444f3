import type { Test } from 'tap'

/**
 * What the test support registers its cleaning up with, outside of a test. It asks a `Test` for
 * `teardown` and for nothing else.
 */
export function createTeardown() {
  const steps: (() => unknown)[] = []
  const test = { teardown: (step: () => unknown) => void steps.unshift(step) } as unknown as Test
  return {
    test,
    /** Last registered, first undone. A step that fails does not keep the others from running. */
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
