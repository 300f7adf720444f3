import type { Test } from 'tap'
import { accessCases } from './access-cases.ts'
import { type ContractTarget, createContractApi } from './contract-api.ts'
import type { ContractCase } from './contract-case.ts'
import { controlCases } from './control-cases.ts'
import { fileCases } from './file-cases.ts'
import { goCases } from './go-cases.ts'
import { ownCases } from './own-cases.ts'
import { runCases } from './run-cases.ts'
import { tellingCases } from './telling-cases.ts'

export const contractCases: readonly ContractCase[] = [
  ...accessCases,
  ...runCases,
  ...controlCases,
  ...fileCases,
  ...goCases,
  ...ownCases,
  ...tellingCases,
]

/** Checks a server on the wire, case by case. */
export async function checkContract(
  t: Test,
  target: ContractTarget,
  { isClaudebox = false }: { isClaudebox?: boolean } = {},
): Promise<void> {
  const api = createContractApi(target)
  for (const { line, claudebox, check } of contractCases) {
    // Its own lines alone: it does not have ours, and fails those that correct it.
    const skip = isClaudebox && claudebox !== 'passes'
    await t.test(line, { skip }, t => check(t, api))
  }
}
