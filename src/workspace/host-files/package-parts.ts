import { isRecord } from '../../base/json.ts'

/** Parts of a package.json that determine what runs on install, build or start. */
const running =
  /^(bin|main|exports|imports|type|workspaces|packageManager|.*[dD]ependencies|overrides|resolutions|pnpm|gypfile|config|husky|lint-staged|simple-git-hooks|pre-commit|gitHooks|jest|eslintConfig|prettier|babel|browserslist)$/

/** Returns those parts by name, as text to compare, each script separately. Null when it is not a package.json. */
export function packageParts(text: string): Map<string, string> | null {
  const parts = new Map<string, string>()
  try {
    const json: unknown = JSON.parse(text)
    if (!isRecord(json)) return null
    for (const [name, value] of Object.entries(json)) {
      if (name === 'scripts' && isRecord(value)) {
        for (const [script, line] of Object.entries(value)) {
          parts.set(`scripts.${script}`, JSON.stringify(line))
        }
      } else if (name === 'scripts' || running.test(name)) parts.set(name, JSON.stringify(value))
    }
    return parts
  } catch {
    return null
  }
}
