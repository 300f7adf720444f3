import type { Test } from 'tap'

/**
 * Gives errors that nothing catches to the test that has begun last and has not ended. Files run one after the
 * other, so an error of an earlier file is the only one that can reach a wrong test.
 */
export function catchErrors(root: Test) {
  let current = root
  const fail = (caught: string) => (error: unknown) => {
    const known = error instanceof Error ? error : new Error(String(error))
    current.threw(Object.assign(known, { tapCaught: caught }))
  }
  process.on('uncaughtException', fail('uncaughtException'))
  process.on('unhandledRejection', fail('unhandledRejection'))
  /** Follows a test and those below it. */
  return function follow(test: Test) {
    const begin = (begun: Test) => {
      const before = current
      current = begun
      // As its first teardown it has another use: tap removes the folder of a test after the teardowns that
      // were there before the folder. Others end what still writes into it.
      begun.teardown(() => {
        current = before
      })
    }
    begin(test)
    test.beforeEach(begin)
  }
}
