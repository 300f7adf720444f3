import * as z from 'zod'

/** Content of a path, without times and owners. */
export const Entry = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('file'),
    /** Hex digest of the content. */
    sha256: z.string(),
    executable: z.boolean(),
    /** Bytes. */
    size: z.number(),
  }),
  z.strictObject({ type: z.literal('link'), target: z.string() }),
])
export type Entry = z.infer<typeof Entry>

/** Files and links of a folder by their path relative to it, with `/` between the parts. */
export type Tree = Map<string, Entry>

export function sameEntry(a: Entry | undefined, b: Entry | undefined): boolean {
  if (!a || !b) return a === b
  if (a.type === 'link' || b.type === 'link') {
    return a.type === 'link' && b.type === 'link' && a.target === b.target
  }
  return a.sha256 === b.sha256 && a.executable === b.executable
}
