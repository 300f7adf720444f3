import { modelAliases } from './request.ts'

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
