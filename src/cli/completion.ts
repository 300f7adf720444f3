import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { script } from '@bomb.sh/tab'
import addCommands from '@bomb.sh/tab/commander'
import type { Command } from 'commander'
import { checkoutRoot, stateRoot } from '../config/paths.ts'
import { settingNames } from '../config/setting-names.ts'
import { presets } from '../egress/presets/presets.ts'
import { readPolicyLists } from '../operations/policy/policy-files.ts'
import { runsHere } from '../operations/runs.ts'
import { modelAliases } from '../run/claude-names.ts'
import { efforts } from '../run/request.ts'
import { isStackName } from '../stack/identity.ts'
import { agentServices, serviceOfCredential, serviceOfEgress } from '../stack/services.ts'
import { calledName, shellWord } from './called-as.ts'
import { renderUsageError } from './help.ts'

/** Name of `claude.ts` in a checkout; the shell also looks it up for `./claude.ts`. */
const ownName = 'claude.ts'

/**
 * Renders the completion script of a shell, for the name of a link as well as for claude.ts itself.
 *
 * @param executable claude.ts as one word of any shell.
 */
export function renderCompletionScript(shell: string, name: string, executable: string): string {
  if (shell === 'bash') return renderBash(name, executable)
  const text = printed(() => script(shell, name, executable))
  if (name === ownName) return text
  switch (shell) {
    case 'zsh':
      return `${text}\ncompdef _${name} ${ownName}`
    case 'fish':
      return `${text}\ncomplete -c ${ownName} -w ${name}`
    default:
      return text
  }
}

/**
 * Renders the script for bash. The library's own needs the package bash-completion and evaluates the typed
 * words, so that a Tab would run a pasted `$(…)`.
 */
function renderBash(name: string, executable: string): string {
  const complete = `__${name.replace(/[-:]/g, '_')}_complete`
  return `# bash completion for ${name}
${complete}() {
    local word value rest joins=
    local -a words=()
    # Bash splits words at = and :, the program expects them whole.
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
        if [[ \${#words[@]} -gt 0 && ( -n $joins || $word == [=:]* ) ]]; then
            words[\${#words[@]}-1]+=$word
        else
            words+=("$word")
        fi
        joins=
        [[ $word == *[=:] ]] && joins=1
    done
    COMPREPLY=()
    while IFS=$'\\t' read -r value rest; do
        [[ $value == :* ]] && continue
        printf -v value %q "$value"
        COMPREPLY+=("$value")
    done < <(${executable} complete -- "\${words[@]}" 2>/dev/null)
}
complete -o default -F ${complete} ${[...new Set([name, ownName])].join(' ')}`
}

/** Returns what the library prints. */
function printed(print: () => void): string {
  const lines: string[] = []
  const { log } = console
  console.log = (text: string) => lines.push(text)
  try {
    print()
  } finally {
    console.log = log
  }
  return lines.join('\n')
}

const commandName = 'completion'

/** Maximum stored runs that are suggested, the newest. */
const mostRuns = 50

/** Adds `completion SHELL`, and the hidden `complete` that its script calls for suggestions. */
export async function addCompletion(program: Command) {
  const { ids, sessions } = await knownRuns()
  const stacks = knownStacks()
  // Only for suggestions: this program parses no command.
  for (const [name, values] of [
    ...['attach', 'stop', 'clean'].map(name => [name, stacks] as const),
    // Presets only. The agent chose the blocked names, so a Tab must not allow one of them.
    ['allow', Object.keys(presets).map(preset => `@${preset}`)],
    ['deny', listedNames()],
    ['logs', [serviceOfEgress, serviceOfCredential, ...agentServices]],
    ...['run result', 'run cancel', 'run logs', 'answer'].map(name => [name, ids] as const),
  ] as const) {
    commandOf(program, name)?.registeredArguments[0]?.choices(values)
  }
  for (const [name, option, values] of [
    ['run', '--model', modelAliases],
    ['run', '--effort', efforts],
    ['run', '--resume', sessions],
    ['config', '--unset', settingNames],
  ] as const) {
    commandOf(program, name)
      ?.options.find(({ long }) => long === option)
      ?.choices(values)
  }
  addCommands(program, { completionCommandName: commandName })
  const script = shellWord(join(checkoutRoot(), 'claude.ts')) ?? program.name()
  commandOf(program, commandName)
    ?.description('print the completion script of a shell')
    .configureOutput({ outputError: (text, write) => write(renderUsageError(text, commandName)) })
    .action((shell: string) => {
      console.log(renderCompletionScript(shell, calledName(), script))
    })
}

function commandOf(program: Command, name: string) {
  return program.commands.find(command => command.name() === name)
}

/** Returns the ids and sessions of the stored runs of the current folder; none when they are unreadable. */
async function knownRuns(): Promise<{ ids: string[]; sessions: string[] }> {
  try {
    const { runs } = await (await runsHere()).list({ limit: mostRuns })
    const sessions = runs.flatMap(({ sessionId }) => sessionId ?? [])
    return { ids: runs.map(({ runId }) => runId), sessions: [...new Set(sessions)] }
  } catch {
    return { ids: [], sessions: [] }
  }
}

/** Returns the names in proxy/squid.conf that the agent may reach; none when the file is unreadable. */
export function listedNames(root = checkoutRoot()): string[] {
  try {
    const { agent, checkout } = readPolicyLists(root, null)
    const names = [...agent, ...checkout].map(({ name }) => name)
    return [...new Set(names)].filter(name => /^[\w.-]+$/.test(name)).sort()
  } catch {
    return []
  }
}

/** Returns the names of all stacks started here, as `attach` accepts them; needs no engine. */
export function knownStacks(root = stateRoot()): string[] {
  try {
    const names = readdirSync(join(root, 'stacks')).filter(isStackName)
    return names.map(name => name.replace(/^claude-secure-/, '')).sort()
  } catch {
    return []
  }
}
