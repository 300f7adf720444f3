import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** File of a run, while its question is open. */
export const questionFile = 'question.json'

/**
 * Returns whether a stored run may wait for an answer; its process can have died since. Without the
 * store's schemas, which take 5 ms to load, because `status` asks each time.
 */
export function hasOpenQuestion(folder: string): boolean {
  try {
    return readdirSync(folder).some(name => existsSync(join(folder, name, questionFile)))
  } catch {
    return false
  }
}
