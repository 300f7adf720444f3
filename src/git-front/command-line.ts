/** A call of git: options before the command, the command, and its arguments. */
export type Call = { globals: readonly string[]; command: string; args: readonly string[] }

/** Options of `git` itself that take the next word as their value. */
const valued = new Set(
  '-C -c --git-dir --work-tree --namespace --config-env --attr-source --super-prefix'.split(' '),
)

/** Splits a command line. Returns null when it names no command, as `git --version` does. */
export function parseCall(argv: readonly string[]): Call | null {
  for (let index = 0; index < argv.length; index++) {
    const word = argv[index] ?? ''
    if (valued.has(word)) index++
    else if (!word.startsWith('-')) {
      return { globals: argv.slice(0, index), command: word, args: argv.slice(index + 1) }
    }
  }
  return null
}

/** The options and other words of a command. */
export type Options = {
  /** Reports an option by any of its names. A long one may be abbreviated, as git allows. */
  has: (...names: string[]) => boolean
  /** Returns the last value of an option that takes one. */
  value: (...names: string[]) => string | null
  /** Words before `--`. */
  words: readonly string[]
  /** Words after `--`; null without it. */
  paths: readonly string[] | null
}

/**
 * Parses a command's arguments. `takesValue` lists the options whose value may be the next word, such as
 * `-m --message`. Unknown options count as flags.
 */
export function parseOptions(args: readonly string[], takesValue = ''): Options {
  const withValue = takesValue.split(' ').filter(Boolean)
  const found: [name: string, value: string | null][] = []
  const words: string[] = []
  let paths: readonly string[] | null = null
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    if (word === '--') {
      paths = args.slice(index + 1)
      break
    }
    if (word.startsWith('--')) {
      const [name = '', ...value] = word.split('=')
      const separate = value.length === 0 && withValue.some(long => abbreviates(name, long))
      if (separate) index++
      found.push([
        name,
        separate ? (args[index] ?? null) : value.length > 0 ? value.join('=') : null,
      ])
    } else if (word.startsWith('-') && word !== '-') {
      for (let at = 1; at < word.length; at++) {
        const name = `-${word[at]}`
        if (!withValue.includes(name)) found.push([name, null])
        else {
          const attached = word.slice(at + 1)
          if (attached === '') index++
          found.push([name, attached === '' ? (args[index] ?? null) : attached])
          break
        }
      }
    } else words.push(word)
  }
  const matching = (names: readonly string[]) =>
    found.filter(([name]) => names.some(long => abbreviates(name, long)))
  return {
    has: (...names) => matching(names).length > 0,
    value: (...names) => matching(names).at(-1)?.[1] ?? null,
    words,
    paths,
  }
}

/** Reports whether `name` is the option or a long abbreviation of it; shorter ones may be ambiguous. */
function abbreviates(name: string, option: string) {
  return name === option || (name.startsWith('--') && name.length > 5 && option.startsWith(name))
}

/** Splits the value of an alias as git does: quotes and backslashes, no expansion. */
export function splitAlias(value: string): string[] {
  return [...value.matchAll(/(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+/gs)].map(([word]) =>
    word.replace(/\\(.)|"((?:[^"\\]|\\.)*)"|'([^']*)'/gs, (_, escaped, double, single) =>
      escaped !== undefined ? escaped : (double?.replace(/\\(.)/gs, '$1') ?? single ?? ''),
    ),
  )
}
