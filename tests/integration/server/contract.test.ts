import t from 'tap'
import { checkContract } from '../../support/contract/check-contract.ts'
import type { ContractTarget } from '../../support/contract/contract-api.ts'
import { plainPrompts, scriptedPrompts } from '../../support/contract/prompts.ts'
import { startContractTarget } from './contract-target.ts'

/*
 * CONTRACT_URL and CONTRACT_TOKEN point the cases at a server that runs already. CONTRACT_PROMPTS is
 * `scripted` for the scripted model or `plain` for a real one, and CONTRACT_OF=claudebox leaves out what
 * claudebox does not do.
 */
const { CONTRACT_URL, CONTRACT_TOKEN = '', CONTRACT_PROMPTS, CONTRACT_OF } = process.env

const target: ContractTarget = CONTRACT_URL
  ? {
      url: CONTRACT_URL,
      token: CONTRACT_TOKEN,
      prompts: CONTRACT_PROMPTS === 'plain' ? plainPrompts : scriptedPrompts,
    }
  : await startContractTarget(t)

await checkContract(t, target, { isClaudebox: CONTRACT_OF === 'claudebox' })
