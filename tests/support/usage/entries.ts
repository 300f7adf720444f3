import { noTokens, type UsageEntry } from '../../../src/usage/entry.ts'

/** An entry with nothing in it but what a test says. */
export function entry(values: Partial<UsageEntry> = {}): UsageEntry {
  return {
    meter: 'interactive',
    model: 'claude-opus-5',
    requests: 1,
    errors: 0,
    broken: 0,
    uncounted: 0,
    unpriced: 0,
    ...noTokens,
    costUsd: 0,
    estimatedUsd: 0,
    estimatedTokens: 0,
    ...values,
  }
}
