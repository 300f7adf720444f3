/** One run of the real Claude Code against the stand-in model, kept as a fixture under its name. */
export type Scenario = {
  name: string
  prompts: readonly string[]
  args?: readonly string[]
  initialize?: Record<string, unknown>
  /** The stand-in is not there. */
  unreachable?: boolean
}

export const scenarios: readonly Scenario[] = [
  { name: 'text', prompts: ['[[say Hello from the model.]]'] },
  { name: 'hostile-text', prompts: ['[[say \x1b]0;owned\x07\x1b[31mred\u202e end]]'] },
  {
    name: 'tools',
    prompts: ['[[bash echo hi]] [[bash seq 1 2000]] [[bash echo no >&2; exit 3]] [[say ready]]'],
  },
  { name: 'two-turns', prompts: ['[[say one]]', '[[say two]]'] },
  {
    name: 'json-schema',
    prompts: ['Name a colour and a number.'],
    initialize: {
      jsonSchema: {
        type: 'object',
        properties: { colour: { type: 'string' }, number: { type: 'integer' } },
        required: ['colour', 'number'],
      },
    },
  },
  { name: 'max-turns', prompts: ['[[bash echo hi]] [[say late]]'], args: ['--max-turns=1'] },
  {
    name: 'max-budget',
    prompts: ['[[bash echo hi]] [[say late]]'],
    args: ['--max-budget-usd=0.000001'],
  },
  { name: 'error-400', prompts: ['[[error 400]]'] },
  { name: 'error-401', prompts: ['[[error 401]]'] },
  { name: 'error-403', prompts: ['[[error 403]]'] },
  { name: 'error-404', prompts: ['[[error 404]]'] },
  { name: 'error-429', prompts: ['[[error 429]]'] },
  { name: 'error-500', prompts: ['[[error 500]]'] },
  { name: 'error-529', prompts: ['[[error 529]]'] },
  { name: 'retried-529', prompts: ['[[error 529 1]] [[say after all]]'] },
  { name: 'dropped', prompts: ['[[stream 10 1 10]] [[drop 3]]'] },
  { name: 'unreachable', prompts: ['hello'], unreachable: true },
]
