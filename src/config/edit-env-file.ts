import { chmod, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Sets one value in `.env` and leaves every other line as it is. The file is for its owner only. */
export async function setEnvValue(root: string, name: string, value: string): Promise<void> {
  const path = join(root, '.env')
  const before = await readFile(path, 'utf8').catch(() => '')
  const line = `${name}=${value}`
  const pattern = new RegExp(`^\\s*(export\\s+)?${name}\\s*=.*$`, 'm')
  // A function as replacement: `$` in a value means nothing.
  const text = pattern.test(before)
    ? before.replace(pattern, () => line)
    : `${before}${before && !before.endsWith('\n') ? '\n' : ''}${line}\n`
  const next = `${path}.${process.pid}.tmp`
  await writeFile(next, text, { mode: 0o600 })
  await chmod(next, 0o600)
  await rename(next, path)
}
