/**
 * Validates a path from a container before it is used on the host: relative, without `..`, empty parts
 * or NUL (threat H2). Returns null for anything else.
 */
export function safeRelativePath(path: string): string | null {
  const parts = path.split('/')
  const bad = (part: string) => part === '' || part === '.' || part === '..' || part.includes('\0')
  return path === '' || parts.some(bad) ? null : path
}
