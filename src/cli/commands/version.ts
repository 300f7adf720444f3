import { checkoutRoot } from '../../config/paths.ts'
import { readVersions } from '../../operations/versions.ts'

export function printVersion() {
  const { claudeSecure, claudeCode } = readVersions(checkoutRoot())
  console.log(`claude-secure ${claudeSecure}\nClaude Code ${claudeCode}`)
}
