import { readFile } from 'node:fs/promises'
import { parseEnv } from 'node:util'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { isCustomName } from './custom-names.ts'
import { nearestName } from './nearest-name.ts'
import { settingAliases } from './setting-names.ts'

/**
 * Reads `NAME=value` lines. A missing file counts as empty. Throws with the line number for a name that
 * is neither a setting nor of a family (`CLAUDE_ENV_X`), and for a line that is not an assignment: a
 * misspelt setting must not be ignored silently. Empty values count as not set.
 */
export async function readEnvFile(
  path: string,
  known: readonly string[],
): Promise<Record<string, string>> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw new UserError(`cannot read ${path}: ${error.code}`, {
      hint: `make it readable for you: chmod u+r ${path}`,
      cause: error,
    })
  })
  text.split('\n').forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return
    const name = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=/.exec(line)?.[1]
    const where = `${path}:${index + 1}`
    if (name === undefined) {
      // Do not print the line: it may be a pasted key.
      throw new UserError(`${where} is not of the form NAME=value`, {
        hint: 'comments start with #; .env.example shows every setting',
      })
    }
    if (!known.includes(settingAliases[name] ?? name) && !isCustomName(name)) {
      const near = nearestName(name, known)
      throw new UserError(`${where}: unknown setting ${terminalLine(name, 60)}`, {
        hint: near ? `did you mean ${near}?` : '.env.example shows every setting',
      })
    }
  })
  return Object.fromEntries(
    Object.entries(parseEnv(text)).flatMap(([name, value]): [string, string][] =>
      value ? [[settingAliases[name] ?? name, value]] : [],
    ),
  )
}
