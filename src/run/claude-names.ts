/** Names of models that Claude Code resolves by itself. */
export const modelAliases = [
  ...['opus', 'sonnet', 'haiku', 'fable', 'best', 'default', 'opusplan', 'opus[1m]', 'sonnet[1m]'],
] as const

/** Selects the model of the resumed session, in place of the one that a new session would have. */
export const inheritedModel = 'inherit'

/**
 * Returns whether a name can be a model of Claude: an alias, or an id such as `claude-opus-5-5`,
 * `us.anthropic.claude-…-v1:0` or an ARN. Claude Code sends every other name to the API as it is.
 */
export function isModelOfClaude(name: string): boolean {
  const base = name.replace(/\[1m\]$/, '').toLowerCase()
  if (base === inheritedModel) return name === inheritedModel
  return (
    modelAliases.some(alias => alias === base) ||
    /^([a-z0-9-]+[./])*claude-[a-z0-9]/.test(base) ||
    /^arn:aws[a-z-]*:bedrock:/.test(base)
  )
}

/**
 * Names that `--tools` of Claude Code accepts. It ignores every other name without a word, so that
 * `--tools bash` leaves the model without any tool. `tests/e2e/run-choices.test.ts` compares the list with the
 * pinned version.
 */
export const toolNames = [
  'Agent',
  'AskUserQuestion',
  'Bash',
  'CronCreate',
  'CronDelete',
  'CronList',
  'Edit',
  'EnterPlanMode',
  'EnterWorktree',
  'ExitPlanMode',
  'ExitWorktree',
  'Glob',
  'Grep',
  'ListAgents',
  'Monitor',
  'NotebookEdit',
  'Read',
  'ReportFindings',
  'ScheduleWakeup',
  'SendMessage',
  'Skill',
  'Task',
  'TaskCreate',
  'TaskGet',
  'TaskList',
  'TaskStop',
  'TaskUpdate',
  'ToolSearch',
  'WebFetch',
  'WebSearch',
  'Workflow',
  'Write',
] as const

/** Reasons for which a name cannot be given to `--tools`. */
export type ToolRefusal = 'pattern' | 'mcp' | 'unknown'

/** Returns the reason to refuse a name; null for a tool of Claude Code. */
export function refuseTool(name: string): ToolRefusal | null {
  // Patterns belong to permission rules, which are off in a run.
  if (/[()*]/.test(name)) return 'pattern'
  if (name.startsWith('mcp__')) return 'mcp'
  return toolNames.some(known => known === name) ? null : 'unknown'
}
