/** Whether an entry of a list lets a name through: `.a.test` is for a.test and all below it. */
export function admits(entry: string, name: string): boolean {
  if (entry === name) return true
  if (!entry.startsWith('.')) return false
  const host = name.replace(/^\./, '')
  return host === entry.slice(1) || host.endsWith(entry)
}
