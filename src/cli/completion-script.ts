import { script } from '@bomb.sh/tab'

/** Name of `claude.ts` in a checkout; shells also look it up for `./claude.ts`. */
const ownName = 'claude.ts'

/**
 * Renders the completion script of a shell, for the name of a link as well as for claude.ts itself. The library's
 * scripts for bash and zsh evaluate the typed words, so that a Tab could run a pasted `$(…)`; bash's needs a
 * package, and fish's breaks at the dot of `claude.ts`.
 *
 * @param name as `calledName` returns it.
 * @param executable claude.ts as one word of any shell.
 */
export function renderCompletionScript(shell: string, name: string, executable: string): string {
  const names = [...new Set([name, ownName])]
  const complete = `__${name.replace(/\W/g, '_')}_complete`
  switch (shell) {
    case 'bash':
      return renderBash(complete, names, executable)
    case 'zsh':
      return renderZsh(complete, names, executable)
    case 'fish':
      return renderFish(complete, names, executable)
    default:
      return printed(() => script(shell, name, executable))
  }
}

function renderBash(complete: string, names: readonly string[], executable: string): string {
  return `# bash completion for ${names[0]}
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
complete -o default -F ${complete} ${names.join(' ')}`
}

/** The first line also makes it a file for a folder of `fpath`. */
function renderZsh(complete: string, names: readonly string[], executable: string): string {
  return `#compdef ${names.join(' ')}
# zsh completion for ${names[0]}
${complete}() {
    local line value
    local -a found
    while IFS= read -r line; do
        [[ $line == :* ]] && continue
        value=\${line%%$'\\t'*}
        line=\${line#*$'\\t'}
        found+=("\${value//:/\\\\:}\${line:+:$line}")
    done < <(${executable} complete -- "\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}" 2>/dev/null)
    # The program prints the values of an option without its name.
    [[ $PREFIX == --*=* ]] && compset -P '*='
    if (( \${#found} )); then
        _describe -t values value found
    else
        _files
    fi
}
if [[ \${funcstack[1]} == _${names[0]} ]]; then
    ${complete} "$@"
else
    compdef ${complete} ${names.join(' ')}
fi`
}

function renderFish(complete: string, names: readonly string[], executable: string): string {
  const register = names
    .map(name => `complete -c ${name} -e\ncomplete -c ${name} -f -a '(${complete})'`)
    .join('\n')
  return `# fish completion for ${names[0]}
function ${complete}
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    # The program prints the values of an option without its name.
    set -l option (string match -r -- '^--[^=]+=' "$last")
    set -l found (${executable} complete -- $words[2..-1] "$last" 2>/dev/null | string match -v -r '^:')
    if test (count $found) -gt 0
        printf "%s\\n" "$option"$found
    else
        __fish_complete_path "$last"
    end
end
${register}`
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
