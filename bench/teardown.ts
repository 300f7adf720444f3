import type { Test } from 'tap'

/** Lets test support register its cleanup outside of a test. Provides only the `teardown` of a `Test`. */
export function createTeardown() {
  const steps: (() => unknown)[] = []
  const test = { teardown: (step: () => unknown) => void steps.unshift(step) } as unknown as Test
  let running: Promise<void> | null = null
  return {
    test,
    /**
     * Runs the steps in reverse order. A failing step does not keep the others from running. A second call
     * waits for the first: a signal and the error of the command that it ended both come here.
     */
    run(): Promise<void> {
      running ??= runAll(steps).finally(() => {
        running = null
      })
      return running
    },
  }
}

async function runAll(steps: (() => unknown)[]) {
  for (let step = steps.shift(); step; step = steps.shift()) {
    try {
      await step()
    } catch (error) {
      console.error(`cleaning up: ${error}`)
    }
  }
}
