import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../base/errors.ts'
import { parseAllowlist } from '../../egress/allowlist.ts'

/** Reads the lists in proxy/squid.conf. Throws when the file cannot be read or parsed. */
export function readAllowlist(root: string) {
  const path = squidConfPath(root)
  return parseAllowlist(readSquidConf(root), path)
}

export function squidConfPath(root: string): string {
  return join(root, 'proxy/squid.conf')
}

export function readSquidConf(root: string): string {
  const path = squidConfPath(root)
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new UserError(`cannot read the allowlist ${path}`, {
      hint: 'take it back from git: git checkout proxy/squid.conf',
      cause,
    })
  }
}
