/** Parses `*.log, /data/` into its patterns. */
export function parseCopyExclude(value: string | undefined): string[] {
  return (value ?? '')
    .split(',')
    .map(pattern => pattern.trim())
    .filter(pattern => pattern !== '')
}
