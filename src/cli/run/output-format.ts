/** The output formats of `run`. */
export const outputFormats = ['text', 'json', 'json-verbose', 'stream-json'] as const
export type OutputFormat = (typeof outputFormats)[number]
