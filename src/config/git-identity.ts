export type GitIdentity = { name: string; mail: string }

/** Characters of a name or an address; git itself sets no bound. */
const longest = 256

/** `Name <mail>`; null when it is not of that form. */
export function parseGitIdentity(text: string): GitIdentity | null {
  const [, name = '', mail = ''] = /^([^<>]+)<([^<>\s]+)>$/.exec(text.trim()) ?? []
  return isPlain(name.trim()) && isPlain(mail) ? { name: name.trim(), mail } : null
}

/** Something that can stand in a configuration, in a commit and on a terminal. */
export function isPlain(value: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is refused
  return value !== '' && value.length <= longest && !/[\x00-\x1f\x7f]/.test(value)
}
