const runCommands = ['result', 'cancel', 'list', 'logs']

/** Options that stand before a command, and are about all of them. */
const programOptions = ['--verbose', '--help', '-h', '--version', '-V']

/**
 * The command line as the commands are named. `run list` becomes one word, for only where it is typed
 * so is `list` a command: after `run --` it is a prompt. And the short forms of `run`: a first argument
 * with white space in it, or an option that only `run` can have.
 */
export function commandLine(argv: readonly string[]): string[] {
  const first = argv.findIndex(word => word !== '--verbose')
  const before = argv.slice(0, Math.max(first, 0))
  const [word, ...rest] = argv.slice(before.length)
  if (word === undefined) return [...argv]
  if (word === 'run') {
    const [about, ...more] = rest
    return about !== undefined && runCommands.includes(about)
      ? [...before, `run ${about}`, ...more]
      : [...argv]
  }
  // Our own name for it, which no user types by accident.
  if (word === 'run supervise') return [...argv]
  // Last, and after what ends the options: it may begin with a dash.
  if (/\s/.test(word.trim())) return [...before, 'run', ...rest, '--', word]
  if (word.startsWith('-') && !programOptions.includes(word)) {
    return [...before, 'run', word, ...rest]
  }
  return [...argv]
}
