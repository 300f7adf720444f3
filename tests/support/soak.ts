/** The count of repetitions: `short` in `npm test`, `full` in `npm run test:soak`. */
export function repetitions({ short, full }: { short: number; full: number }): number {
  return process.env.TEST_SOAK ? full : short
}
