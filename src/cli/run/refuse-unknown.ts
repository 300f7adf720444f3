import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { nearestName } from '../../config/issue-message.ts'
import {
  inheritedModel,
  isModelOfClaude,
  modelAliases,
  refuseTool,
  toolNames,
} from '../../run/claude-names.ts'

/**
 * Rejects a name that is not a model of Claude, unless the model is behind another upstream, which has names
 * of its own. A mistyped alias would cost a request, or start the run with a model of the wrong kind.
 *
 * @param hasOwnNames returns whether the upstream has names of its own; asked only for a name of another form
 */
export async function refuseUnknownModel(
  name: string,
  hasOwnNames: () => Promise<boolean>,
): Promise<void> {
  if (isModelOfClaude(name) || (await hasOwnNames())) return
  const near = nearestName(name, [...modelAliases, inheritedModel])
  const known = `use ${modelAliases.join(', ')} or a full name such as claude-opus-5-5`
  throw new UserError(`--model ${terminalLine(name, 60)} is not a model of Claude`, {
    hint: near ? `did you mean ${near}? or ${known}` : known,
    exitCode: 2,
  })
}

/** Rejects names that Claude Code's `--tools` would ignore. */
export function refuseUnknownTools(names: readonly string[]): void {
  for (const name of names) {
    const refusal = refuseTool(name)
    if (refusal === null) continue
    const shown = `--tools ${terminalLine(name, 60)}`
    const error = (reason: string, hint: string) =>
      new UserError(`${shown} ${reason}`, { hint, exitCode: 2 })
    switch (refusal) {
      case 'pattern':
        throw error(
          'is a permission rule: in a run there are no permission prompts, so no rule limits a tool',
          'name whole tools: --tools Bash,Read; what the agent can reach is limited by the allowlist',
        )
      case 'mcp':
        throw error(
          'is a tool of an MCP server: --tools limits only the built-in tools',
          'leave it out: a run has the tools of every server that MCP_SERVERS allows',
        )
      case 'unknown': {
        const near = nearestName(name, toolNames)
        const known = 'docs/modes/run.md lists the tools'
        throw error('is not a tool of Claude Code', near ? `did you mean ${near}? ${known}` : known)
      }
      default:
        refusal satisfies never
    }
  }
}
