import type { ContractPrompts } from './contract-api.ts'

/** Prompts for the fake Claude of tests/support/fake-claude.ts, which answers with its prompt. */
export const fakePrompts: ContractPrompts = {
  quick: (word, before = '') => `${before} ${word}`.trimStart(),
  slow: 'silent',
  failing: status => `api-error ${status}`,
  structured: output => `structured ${JSON.stringify(output)}`,
  asking: questions =>
    `ask ${JSON.stringify({
      tool_name: 'AskUserQuestion',
      requires_user_interaction: true,
      input: { questions },
    })}`,
}

/** Prompts for the real Claude Code with the scripted model of tests/support/messages-api. */
export const scriptedPrompts: ContractPrompts = {
  quick: (word, before = '') => `${before} [[say ${word}]]`.trimStart(),
  // Longer than any case waits: one whose run merely ended by itself must not pass.
  slow: '[[delay 600000]] [[say late]]',
  failing: status => `[[error ${status}]]`,
  structured: output => `[[structured ${JSON.stringify(output)}]]`,
  asking: questions => `[[tool AskUserQuestion ${JSON.stringify({ questions })}]]`,
}

/** Prompts for a real model, as claudebox has behind it. */
export const plainPrompts: ContractPrompts = {
  quick: (word, before = '') => `${before} Respond with exactly ${word}`.trimStart(),
  slow: 'Run with your Bash tool: sleep 110 && echo done',
  failing: null,
  structured: null,
  asking: null,
}
