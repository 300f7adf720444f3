import type { Test } from 'tap'

const current: { test?: Test } = {}

/** Sets the subtest that the next imported test file gets as `t`. */
export function setFileTest(test: Test) {
  current.test = test
}

/** Returns the subtest of the test file that is being imported. */
export function fileTest(): Test {
  if (!current.test) throw new Error('a test file was imported without a subtest')
  return current.test
}
