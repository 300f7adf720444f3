/** The output formats of `run`. */
export const outputFormats = ['text', 'json', 'json-verbose', 'stream-json'] as const
export type OutputFormat = (typeof outputFormats)[number]

/** The options of `run` that make up the request to Claude Code, as typed. */
export type RequestOptions = {
  model?: string
  effort?: string
  systemPrompt?: string
  systemPromptFile?: string
  appendSystemPrompt?: string
  appendSystemPromptFile?: string
  jsonSchema?: string
  continue?: boolean
  resume?: string
  timeout?: string
  maxBudgetUsd?: string
  maxTurns?: string
  tools?: string
}

/** All options of `run`, as typed. */
export type RunCommandOptions = RequestOptions & {
  promptFile?: string
  outputFormat: OutputFormat
  includePartialMessages?: boolean
  copy?: boolean
  quiet?: boolean
  detach?: boolean
  wait?: boolean
  askTimeout?: string
}
