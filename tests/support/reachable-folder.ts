import { chmod, cp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { temporaryFolder } from './stack/checkout.ts'

/** Copies a folder to where every user can reach it: the checkout may be below a closed folder. */
export async function reachable(t: Test, folder: string): Promise<string> {
  const top = await temporaryFolder(t, 'reachable')
  await chmod(top, 0o755)
  const path = join(top, 'folder')
  await cp(folder, path, { recursive: true, verbatimSymlinks: true })
  return path
}
