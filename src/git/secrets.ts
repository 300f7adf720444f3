/** A secret in a text. Its value is nowhere in the result: it would reach terminals and logs. */
export type FoundSecret = {
  /** The kind of secret, such as `GitHub token`. */
  what: string
  /** From 1. */
  line: number
}

const preset = '@secretlint/secretlint-rule-preset-recommend'

/** Words for the rules whose names do not say it. */
const words: Readonly<Record<string, string>> = {
  basicauth: 'password in a URL',
  privatekey: 'private key',
  database_connection_string: 'password of a database',
}

/** Finds credentials in a text with secretlint's rules. */
export async function findSecrets(text: string): Promise<FoundSecret[]> {
  // Loaded on demand: its rules take 100 ms, and only a review needs them.
  const [{ lintSource }, { creator }] = await Promise.all([
    import('@secretlint/core'),
    import('@secretlint/secretlint-rule-preset-recommend'),
  ])
  const { messages } = await lintSource({
    // Otherwise a comment of the agent, such as `secretlint-disable`, would hide what follows it.
    source: {
      content: text.replaceAll(/secretlint-/gi, 'secretlint_'),
      filePath: '/file.txt',
      ext: '.txt',
      contentType: 'text',
    },
    options: {
      config: { rules: [{ id: preset, rule: creator, options: {} }] },
      locale: 'en',
      maskSecrets: true,
    },
  })
  const found = new Map<string, FoundSecret>()
  for (const { ruleId, loc } of messages) {
    const rule = ruleId.replace(/^.*secretlint-rule-/, '')
    const what = words[rule] ?? `${rule.replace(/[^a-z0-9]+/g, ' ')} credential`
    const line = loc.start.line
    found.set(`${line} ${what}`, { what, line })
  }
  return [...found.values()].sort((a, b) => a.line - b.line)
}
