/** The repetitions, or their count: `short` in `npm test`, `full` in `npm run test:soak`. */
export function repetitions<T>({ short, full }: { short: T; full: T }): T {
  return process.env.TEST_SOAK ? full : short
}
