import type { Prompt, RunRequest } from '../../run/request.ts'

type Control = { subtype: string; [key: string]: unknown }

const line = (message: object) => `${JSON.stringify(message)}\n`

const control = (id: string, request: Control) =>
  line({ type: 'control_request', request_id: id, request })

/**
 * Texts and schema of the run. Claude Code takes them once in the life of a process.
 *
 * @param standing the user's words at the end of every run's system prompt; null for none
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

/** For a process that was started before these were known. */
export function settingLines({ model, effort }: Pick<RunRequest, 'model' | 'effort'>): string {
  return [
    model === undefined ? '' : control('model', { subtype: 'set_model', model }),
    effort === undefined
      ? ''
      : control('effort', { subtype: 'apply_flag_settings', settings: { effortLevel: effort } }),
  ].join('')
}

/** The prompt as a message and nothing else, whatever it looks like. */
export function promptLine(prompt: Prompt): string {
  return line({
    type: 'user',
    message: { role: 'user', content: prompt },
    parent_tool_use_id: null,
    session_id: '',
  })
}
