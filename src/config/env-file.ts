import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { isMissing, systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { replaceFile } from '../files/replace-file.ts'
import { claudeboxNames, claudeboxSettings } from './claudebox-settings.ts'
import { nearestName } from './issue-message.ts'
import { isCustomName, withOurNames } from './setting-names.ts'

/**
 * Reads `NAME=value` lines. A missing file counts as empty. Throws with the line number for a name that
 * is neither a setting nor of a family (`CLAUDE_ENV_X`), and for a line that is not an assignment: a
 * misspelt setting must not be ignored silently. Empty values count as not set.
 */
export async function readEnvFile(
  path: string,
  known: readonly string[],
): Promise<Record<string, string>> {
  const read = await readFile(path, 'utf8').catch(error => {
    if (isMissing(error)) return ''
    throw new UserError(`cannot read ${path}: ${systemCode(error)}`, {
      hint: `make it readable: chmod u+r ${path}`,
      cause: error,
    })
  })
  // Editors on Windows begin a file with a byte order mark, which is not part of the first name.
  const text = read.replace(/^\ufeff/, '')
  text.split('\n').forEach((line, index) => {
    if (/^\s*(#|$)/.test(line)) return
    const name = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=/.exec(line)?.[1]
    const where = `${path}:${index + 1}`
    if (name === undefined) {
      // Do not print the line: it may be a pasted key.
      throw new UserError(`${where} is not of the form NAME=value`, {
        hint: 'start comments with #; .env.example lists every setting',
      })
    }
    if (![...known, ...claudeboxNames].includes(name) && !isCustomName(name)) {
      const near = nearestName(name, known)
      throw new UserError(`${where}: unknown setting ${terminalLine(name, 60)}`, {
        hint: near ? `did you mean ${near}?` : '.env.example lists every setting',
      })
    }
  })
  const values = Object.fromEntries(
    Object.entries(parseEnv(text)).flatMap(([name, value]): [string, string][] =>
      value ? [[name, value]] : [],
    ),
  )
  const own = Object.entries(values).filter(([name]) => !claudeboxNames.includes(name))
  return withOurNames({ ...claudeboxSettings(values), ...Object.fromEntries(own) })
}

/** Sets one value in `.env` and keeps every other line unchanged. Only its owner can read the file. */
export async function setEnvValue(root: string, name: string, value: string): Promise<void> {
  await setEnvLine(join(root, '.env'), name, `${name}=${value}`)
}

/** Sets the line of one name in such a file, or removes it for null; keeps every other line unchanged. */
export async function setEnvLine(path: string, name: string, line: string | null): Promise<void> {
  const before = await readFile(path, 'utf8').catch(error => {
    // Continuing after any other error would lose the existing values.
    if (isMissing(error)) return ''
    throw error
  })
  const pattern = new RegExp(`^\\ufeff?[ \\t]*(export[ \\t]+)?${name}[ \\t]*=.*$`, 'm')
  // Replace through a function, so that `$` in a value has no special meaning.
  if (line === null) {
    const every = new RegExp(`${pattern.source}\n?`, 'gm')
    if (every.test(before)) await replaceFile(path, before.replace(every, ''))
    return
  }
  const text = pattern.test(before)
    ? before.replace(pattern, () => line)
    : `${before}${before && !before.endsWith('\n') ? '\n' : ''}${line}\n`
  await replaceFile(path, text)
}
