import { isRecord } from '../../base/json.ts'
import { type HostProgram, hostPrograms } from '../../config/host-programs.ts'
import { foldedName } from '../folded-name.ts'

const hasPath = (word: string) => word.slice(0, -1).includes('/')

/** Creates a test for the words of a row of `hostPrograms`; its argument is a folded path. */
function createWordTest(words: readonly string[]): (folded: string) => boolean {
  const single = words.filter(word => !hasPath(word))
  const names = new Set(single.filter(word => !/[*/]/.test(word)))
  const folders = new Set(single.filter(word => word.endsWith('/')).map(word => word.slice(0, -1)))
  // What stands before and after the `*` of a name.
  const globs = single.filter(word => word.includes('*')).map(word => word.split('*'))
  const paths = words.filter(hasPath)
  const pathHeads = new Set(paths.map(word => word.slice(0, word.indexOf('/'))))
  /** Returns whether a path ends in such a word, or is below one that ends with a slash. */
  const matchesPath = (path: string) => {
    const inside = `/${path}/`
    return paths.some(word =>
      word.endsWith('/') ? inside.includes(`/${word}`) : inside.endsWith(`/${word}/`),
    )
  }
  return folded => {
    const parts = folded.split('/')
    const name = parts.at(-1) ?? ''
    // A symlink in the place of a folder counts as the folder.
    if (names.has(name) || parts.some(part => folders.has(part))) return true
    if (globs.some(([start = '', end = '']) => name.startsWith(start) && name.endsWith(end)))
      return true
    return parts.some(part => pathHeads.has(part)) && matchesPath(folded)
  }
}

const rows = hostPrograms.map(program => ({ program, words: program.files.split(/\s+/) }))
const isNamed = createWordTest(rows.flatMap(({ words }) => words))

/** Returns whether a workspace file is checked: a known name, or an executable at the top level. */
export function isHostFile(path: string, { executable }: { executable: boolean }): boolean {
  const folded = foldedName(path)
  if (isNamed(folded)) return true
  return !folded.includes('/') && (executable || folded.endsWith('.sh'))
}

const tests = rows.map(({ program, words }) => ({ program, matches: createWordTest(words) }))

/** Returns the program of the host that runs or obeys a file by its name; null when the table has none. */
export function hostProgramOf(path: string): HostProgram | null {
  const folded = foldedName(path)
  return tests.find(({ matches }) => matches(folded))?.program ?? null
}

/** Generated folders: a command that the user runs creates their contents. */
export const skippedFolders = new Set(['node_modules', '__pycache__', '.venv', '.tox'])

/** Parts of a package.json that determine what runs on install, build or start. */
const running =
  /^(bin|main|exports|imports|type|workspaces|packageManager|.*[dD]ependencies|overrides|resolutions|pnpm|gypfile|config|husky|lint-staged|simple-git-hooks|pre-commit|gitHooks|jest|eslintConfig|prettier|babel|browserslist)$/

/** Returns those parts by name, as text to compare, each script separately; null unless it is a JSON object. */
export function packageParts(text: string): Map<string, string> | null {
  const parts = new Map<string, string>()
  try {
    const json: unknown = JSON.parse(text)
    if (!isRecord(json)) return null
    for (const [name, value] of Object.entries(json)) {
      if (name === 'scripts' && isRecord(value)) {
        for (const [script, line] of Object.entries(value)) {
          parts.set(`scripts.${script}`, JSON.stringify(line))
        }
      } else if (name === 'scripts' || running.test(name)) parts.set(name, JSON.stringify(value))
    }
    return parts
  } catch {
    return null
  }
}
