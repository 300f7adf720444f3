import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../base/errors.ts'
import { replaceFile } from '../files/replace-file.ts'

/** Sets one value in `.env` and keeps every other line unchanged. Only its owner can read the file. */
export async function setEnvValue(root: string, name: string, value: string): Promise<void> {
  const path = join(root, '.env')
  const before = await readFile(path, 'utf8').catch(error => {
    // Continuing after any other error would lose the existing values.
    if (isMissing(error)) return ''
    throw error
  })
  const line = `${name}=${value}`
  const pattern = new RegExp(`^\\s*(export\\s+)?${name}\\s*=.*$`, 'm')
  // Replace through a function, so that `$` in a value has no special meaning.
  const text = pattern.test(before)
    ? before.replace(pattern, () => line)
    : `${before}${before && !before.endsWith('\n') ? '\n' : ''}${line}\n`
  await replaceFile(path, text)
}
