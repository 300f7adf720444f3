import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the versions of this checkout and of its Claude Code, without loading the pins' schema. */
export function readVersions(root: string) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { claude } = JSON.parse(readFileSync(join(root, 'pins.json'), 'utf8'))
  return {
    claudeSecure: String(version),
    claudeCode: String(claude[process.arch]?.version ?? 'not available for this machine'),
  }
}
