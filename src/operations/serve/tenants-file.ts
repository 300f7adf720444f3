import { join } from 'node:path'
import { messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { customRoot } from '../../config/paths.ts'
import type { Settings } from '../../config/settings.ts'
import { defaultTenant, type Tenant, Tenants } from '../../config/tenants.ts'
import { readRegularFile } from '../../files/regular-file.ts'

/** Maximum bytes of tenants.yaml. */
const largest = 64 * 1024

/** Returns the path of tenants.yaml, in the folder of the user's configuration. */
export function tenantsPath(settings: Pick<Settings, 'CUSTOM_DIR'>): string {
  return join(customRoot(settings), 'tenants.yaml')
}

/** Reads tenants.yaml. Without the file there is one tenant, `main`. */
export async function readTenants(settings: Pick<Settings, 'CUSTOM_DIR'>): Promise<Tenant[]> {
  const path = tenantsPath(settings)
  const file = await readRegularFile(path, { limit: largest, follow: true })
  if (file.kind === 'missing') return [{ name: defaultTenant, budget: {} }]
  if (file.kind !== 'bytes') {
    throw invalid(path, file.kind === 'too-large' ? 'larger than 64 KiB' : 'not a regular file')
  }
  const { parse } = await import('yaml')
  let content: unknown
  try {
    content = parse(file.bytes.toString())
  } catch (cause) {
    throw invalid(path, `not valid YAML: ${messageOf(cause)}`, cause)
  }
  const parsed = Tenants.safeParse(content)
  if (parsed.success) return parsed.data.tenants
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') || 'it'
  throw invalid(path, `not valid: ${where} ${issue?.message ?? ''}`)
}

function invalid(path: string, problem: string, cause?: unknown) {
  return new UserError(`${terminalLine(path)} is ${terminalLine(problem, 300)}`, {
    hint: 'correct it, for example: tenants: [{ name: main }, { name: alice, budget: { usdPerDay: 5 } }]',
    ...(cause !== undefined && { cause }),
  })
}
