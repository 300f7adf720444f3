import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from '../base/errors.ts'
import { replaceFile } from '../files/replace-file.ts'

/** Sets one value in `.env` and leaves every other line as it is. The file is for its owner only. */
export async function setEnvValue(root: string, name: string, value: string): Promise<void> {
  const path = join(root, '.env')
  const before = await readFile(path, 'utf8').catch(error => {
    // Any other failure would lose the values that are there.
    if (isMissing(error)) return ''
    throw error
  })
  const line = `${name}=${value}`
  const pattern = new RegExp(`^\\s*(export\\s+)?${name}\\s*=.*$`, 'm')
  // A function as replacement: `$` in a value means nothing.
  const text = pattern.test(before)
    ? before.replace(pattern, () => line)
    : `${before}${before && !before.endsWith('\n') ? '\n' : ''}${line}\n`
  await replaceFile(path, text)
}
