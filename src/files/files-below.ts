import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Returns the paths of the files below a folder of `root`, relative to it, in a stable order. */
export function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(entry => {
      const path = `${folder}/${entry.name}`
      return entry.isDirectory() ? filesBelow(root, path) : [path]
    })
}
