import { readRegularFileSync, textOf } from '../../files/regular-file.ts'
import type { Prompt, RunRequest } from '../../run/request.ts'

type Control = { subtype: string; [key: string]: unknown }

const line = (message: object) => `${JSON.stringify(message)}\n`

const control = (id: string, request: Control) =>
  line({ type: 'control_request', request_id: id, request })

/** File that the stack mounts if the user has always-skills. Root owns it, so that no run can change it. */
export const standingPromptFile = '/etc/claude-secure/append-system-prompt.md'

/** Maximum bytes: the limit of `start`, plus room for its headings. */
const standingBytes = 2 * 1024 * 1024

/** Reads the user's text for the end of every run's system prompt, before the run's own; null for none. */
export function readStandingPrompt(path: string): string | null {
  return textOf(readRegularFileSync(path, { limit: standingBytes }))
}

/**
 * Renders the run's texts and schema. Claude Code accepts them once in the life of a process.
 *
 * @param standing the user's text at the end of every run's system prompt; null for none
 */
export function initializeLine(request: RunRequest, standing: string | null): string {
  const { systemPrompt, jsonSchema } = request
  const appended = [standing, request.appendSystemPrompt].filter(Boolean).join('\n\n')
  return control('initialize', {
    subtype: 'initialize',
    ...(systemPrompt !== undefined && { systemPrompt }),
    ...(appended !== '' && { appendSystemPrompt: appended }),
    ...(jsonSchema !== undefined && { jsonSchema }),
  })
}

/** Renders the settings for a process that was started before they were known. */
export function settingLines({ model, effort }: Pick<RunRequest, 'model' | 'effort'>): string {
  return [
    model === undefined ? '' : control('model', { subtype: 'set_model', model }),
    effort === undefined
      ? ''
      : control('effort', { subtype: 'apply_flag_settings', settings: { effortLevel: effort } }),
  ].join('')
}

/** Renders the prompt as a plain message, regardless of its text. */
export function promptLine(prompt: Prompt): string {
  return line({
    type: 'user',
    message: { role: 'user', content: prompt },
    parent_tool_use_id: null,
    session_id: '',
  })
}
