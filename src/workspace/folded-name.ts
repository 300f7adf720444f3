/** Characters that case-folding file systems ignore; git's `is_hfs_dotgit` has most of them. */
const notCompared = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g

// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const plain = /^[\x00-\x7f]*$/

/** Folds a name as file systems do that ignore case and notation: there `.vſcode` is `.vscode`. */
export function foldedName(name: string): string {
  if (plain.test(name)) return name.toLowerCase()
  return name.replace(notCompared, '').normalize('NFKC').toUpperCase().toLowerCase()
}
