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
