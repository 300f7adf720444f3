/** Collects the values of an option that can be given several times. */
export function repeatable(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
