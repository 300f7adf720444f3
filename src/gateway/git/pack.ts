/** Limits of the objects of one push. */
export type PackLimits = {
  bytes: number
  objects: number
}

/** A working branch is far smaller; the host of a repository has limits of its own. */
export const defaultPackLimits: PackLimits = { bytes: 256 * 1024 * 1024, objects: 1_000_000 }

/** The bytes before the objects: a word, the version, and their number. */
export const packHeadBytes = 12

/** Returns why the bytes after the list of refs are not a pack that may pass, or null. */
export function judgePackHead(head: Buffer, limits: PackLimits): string | null {
  if (head.length < packHeadBytes || head.toString('latin1', 0, 4) !== 'PACK') {
    return 'the list of refs is not followed by a pack'
  }
  if (![2, 3].includes(head.readUInt32BE(4))) return 'the pack has an unknown version'
  if (head.readUInt32BE(8) > limits.objects)
    return `the pack has more than ${limits.objects} objects`
  return null
}

/** The error of a pack that grew over the limit while it passed. */
export class PackTooLarge extends Error {
  constructor({ bytes }: PackLimits) {
    super(`the pack is larger than ${bytes / 1024 / 1024} MiB`)
    this.name = 'PackTooLarge'
  }
}
