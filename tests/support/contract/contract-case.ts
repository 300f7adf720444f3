import type { Test } from 'tap'
import type { ContractApi } from './contract-api.ts'

/** One line of the HTTP contract, as a client on the wire sees it. */
export type ContractCase = {
  /** The behaviour, as a sentence. */
  line: string
  /**
   * `passes`: claudebox behaves so, and its clients rely on it. `defect`: claudebox fails it, by a mistake
   * that the line corrects. `ours`: claudebox has no such thing.
   */
  claudebox: 'passes' | { defect: string } | 'ours'
  check: (t: Test, api: ContractApi) => Promise<void>
}
