/**
 * The user for whom root makes a copy: root itself reads every file, and the copy would give the agent,
 * which has that user's folder, what the user cannot read.
 */
export type Reader = { uid: number; gids: readonly number[] }

type Node = { uid: number; gid: number; mode: number; isDirectory: () => boolean }

/** Returns whether the user can read a file, or list and enter a folder, by owner and mode. */
export function mayRead(reader: Reader | undefined, node: Node): boolean {
  if (!reader) return true
  const { uid, gid, mode } = node
  // The owner of a file can open it for itself.
  if (uid === reader.uid) return true
  const needed = node.isDirectory() ? 0o5 : 0o4
  const bits = reader.gids.includes(gid) ? mode >> 3 : mode
  return (bits & needed) === needed
}
