/** Bare programs that start at once in a worker. */
export type BareRunsPlan = {
  prompt: string
  /** Absolute paths; one program for each. */
  folders: readonly string[]
  /** The time that counts: of the last program's end, or of its first streamed text. */
  until: 'end' | 'text'
}
