/** Bounds of what one delivery of a container may bring. */
export type ReceiveLimits = {
  /** Bytes of the pack. */
  pack: number
  objects: number
  /** Bytes of one file. GitHub takes no larger one. */
  file: number
  commits: number
  /** Changed paths of all its commits. */
  paths: number
}

export const receiveLimits: ReceiveLimits = {
  pack: 512 * 1024 * 1024,
  objects: 200_000,
  file: 100 * 1024 * 1024,
  commits: 5_000,
  paths: 200_000,
}
