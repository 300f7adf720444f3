/**
 * Prefixes of the two families of settings with user-chosen names: `CLAUDE_ENV_X` and `CLAUDE_MOUNT_N`.
 * Separate from their parsers, because a fast `start` needs the names before it loads anything.
 */
export const customPrefixes = { environment: 'CLAUDE_ENV_', mount: 'CLAUDE_MOUNT_' } as const

export function isCustomName(name: string): boolean {
  return Object.values(customPrefixes).some(
    prefix => name.startsWith(prefix) && name.length > prefix.length,
  )
}
