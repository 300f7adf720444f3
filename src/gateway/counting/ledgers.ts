import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { GatewayLog } from '../gateway-log.ts'
import { createLedger, type Ledger } from './ledger.ts'

/**
 * Returns a function that opens the usage of a tenant, in a folder of its own, and that of a stack
 * without tenants for null, in the folder itself.
 */
export function createLedgers(options: { folder: string; log: GatewayLog }) {
  const { folder, log } = options
  return async (tenant: string | null): Promise<Ledger> => {
    if (tenant === null) return createLedger({ folder, log })
    const own = join(folder, tenant)
    // The ledger reports a folder that could not be made, and requests with a budget are refused.
    await mkdir(own, { mode: 0o700 }).catch(() => {})
    return createLedger({ folder: own, log })
  }
}
