/** An answer of a forge's API. Its texts are a stranger's. */
export type ForgeAnswer = {
  status: number
  header(name: string): string | null
  /** Parsed JSON; null for anything else. */
  body: unknown
}
