/**
 * Two families of settings bear names of the user's own: `CLAUDE_ENV_X` and `CLAUDE_MOUNT_N`. Apart
 * from what reads them, because a quick `start` asks for the names before it loads anything.
 */
export const customPrefixes = { environment: 'CLAUDE_ENV_', mount: 'CLAUDE_MOUNT_' } as const

export function isCustomName(name: string): boolean {
  return Object.values(customPrefixes).some(
    prefix => name.startsWith(prefix) && name.length > prefix.length,
  )
}
