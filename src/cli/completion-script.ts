import { script } from '@bomb.sh/tab'

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
