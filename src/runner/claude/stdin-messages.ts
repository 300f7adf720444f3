import type { Prompt, RunRequest } from '../../run/request.ts'

type Control = { subtype: string; [key: string]: unknown }

const line = (message: object) => `${JSON.stringify(message)}\n`

const control = (id: string, request: Control) =>
  line({ type: 'control_request', request_id: id, request })

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

/** Renders the prompt as a plain message, whatever its text looks like. */
export function promptLine(prompt: Prompt): string {
  return line({
    type: 'user',
    message: { role: 'user', content: prompt },
    parent_tool_use_id: null,
    session_id: '',
  })
}
