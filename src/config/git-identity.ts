export type GitIdentity = { name: string; mail: string }

/** Maximum characters of a name or an address; git itself sets no limit. */
const longest = 256

/** Parses `Name <mail>`; null when the text does not have that form. */
export function parseGitIdentity(text: string): GitIdentity | null {
  const [, name = '', mail = ''] = /^([^<>]+)<([^<>\s]+)>$/.exec(text.trim()) ?? []
  return isPlain(name.trim()) && isPlain(mail) ? { name: name.trim(), mail } : null
}

/** Returns whether a value is safe in a configuration, in a commit and on a terminal. */
export function isPlain(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
  return value !== '' && value.length <= longest && !/[\x00-\x1f\x7f]/.test(value)
}
