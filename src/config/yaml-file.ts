import { LineCounter, parseDocument } from 'yaml'
import type * as z from 'zod'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'

/** Parses a YAML file of the user. The error has the line, and the key in question. */
export function parseYamlFile<T>(options: {
  text: string
  path: string
  schema: z.ZodType<T>
  /** What an empty file stands for. */
  empty: unknown
  /** For the second line of the error. */
  hint: string
}): T {
  const { text, path, schema, empty, hint } = options
  const invalid = (line: number, problem: string) =>
    new UserError(`${terminalLine(path)} line ${line}: ${terminalLine(problem, 300)}`, { hint })
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const [broken] = document.errors
  if (broken) throw invalid(lines.linePos(broken.pos[0]).line, broken.message)
  let content: unknown
  try {
    // A few lines of aliases could stand for gigabytes.
    content = document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    throw invalid(1, error instanceof Error ? error.message : 'is not valid')
  }
  const parsed = schema.safeParse(content ?? empty)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : []
  const at = [...(issue?.path ?? []), ...unknown]
  const problem = unknown.length > 0 ? 'is not a key of this file' : (issue?.message ?? 'is wrong')
  throw invalid(lineOf(at), `${at.map(String).join('.')} ${problem}`.trim())

  function lineOf(path: readonly PropertyKey[]): number {
    for (let depth = path.length; depth > 0; depth -= 1) {
      const node = nodeAt(path.slice(0, depth))
      const start = node?.range?.[0]
      if (start !== undefined) return lines.linePos(start).line
    }
    return 1
  }

  /** The keys of a map can be numbers, such as the id of a chat. */
  function nodeAt(path: readonly PropertyKey[]) {
    const numbers = path.map(key => (/^-?\d+$/.test(String(key)) ? Number(key) : key))
    const found = document.getIn(path, true) ?? document.getIn(numbers, true)
    return typeof found === 'object' && found !== null && 'range' in found
      ? (found as { range?: [number, number, number] | null })
      : null
  }
}
