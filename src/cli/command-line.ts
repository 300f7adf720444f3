export const runCommands = ['result', 'cancel', 'list', 'logs']

/** Commands of two words. */
const groups: Readonly<Record<string, readonly string[]>> = {
  run: runCommands,
  images: ['save', 'load'],
  mcp: ['list', 'add', 'remove'],
  schedule: ['list', 'run', 'history', 'pause', 'resume', 'remove'],
  session: [
    ...['start', 'fork', 'list', 'ls', 'attach', 'watch', 'undo', 'redo'],
    ...['stop', 'logs', 'clean'],
  ],
  serve: ['up', 'down', 'status', 'logs', 'token', 'allow', 'deny', 'audit'],
}

/** Global options, which come before the command. */
const programOptions = ['--verbose', '--help', '-h', '--version', '-V']

/**
 * Returns the command line in the form that commander parses. `run list` becomes one word, because `list`
 * is a command only directly after `run`; after `run --` it is a prompt. Expands the short forms of `run`:
 * a first argument that contains white space, or an option that only `run` has.
 */
export function commandLine(argv: readonly string[]): string[] {
  const first = argv.findIndex(word => word !== '--verbose')
  const before = argv.slice(0, Math.max(first, 0))
  const [word, ...rest] = argv.slice(before.length)
  if (word === undefined) return [...argv]
  const group = Object.hasOwn(groups, word) ? groups[word] : undefined
  if (group) {
    const [about, ...more] = rest
    return about !== undefined && group.includes(about)
      ? [...before, `${word} ${about}`, ...more]
      : [...argv]
  }
  // Internal command, which no user types by accident.
  if (word === 'run supervise') return [...argv]
  // The prompt goes last, after `--`: it may begin with a dash.
  if (/\s/.test(word.trim())) return [...before, 'run', ...rest, '--', word]
  if (word.startsWith('-') && !programOptions.includes(word)) {
    return [...before, 'run', word, ...rest]
  }
  return [...argv]
}
