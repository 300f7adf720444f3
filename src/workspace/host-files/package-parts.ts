/** Parts of a package.json that decide what runs when somebody installs, builds or starts it. */
const running =
  /^(bin|main|exports|imports|type|workspaces|packageManager|.*[dD]ependencies|overrides|resolutions|pnpm|gypfile|config|husky|lint-staged|simple-git-hooks|pre-commit|gitHooks|jest|eslintConfig|prettier|babel|browserslist)$/

/** The parts by name, as text to compare; the scripts one by one. Null when it is no package.json. */
export function packageParts(text: string): Map<string, string> | null {
  const parts = new Map<string, string>()
  try {
    const json: unknown = JSON.parse(text)
    if (!isObject(json)) return null
    for (const [name, value] of Object.entries(json)) {
      if (name === 'scripts' && isObject(value)) {
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
