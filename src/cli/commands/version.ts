import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkoutRoot } from '../../config/paths.ts'

/** Versions of this checkout and of the Claude Code it runs. Light: `status` and --version use it. */
export function readVersions(root: string) {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const { claude } = JSON.parse(readFileSync(join(root, 'pins.json'), 'utf8'))
  return {
    claudeSecure: String(version),
    claudeCode: String(claude[process.arch]?.version ?? 'not available for this machine'),
  }
}

export function printVersion() {
  const { claudeSecure, claudeCode } = readVersions(checkoutRoot())
  console.log(`claude-secure ${claudeSecure}\nClaude Code ${claudeCode}`)
}
