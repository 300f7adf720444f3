import { createHash } from 'node:crypto'
import { join } from 'node:path'

/** Returns two folders below `parent` whose stacks have one name: 32 bits of a hash collide within 100,000 paths. */
export function collidingFolders(parent: string): [string, string] {
  const seen = new Map<string, string>()
  for (let index = 0; ; index++) {
    const folder = join(parent, `${index}`, 'app')
    const hash = createHash('sha256').update(folder).digest('hex').slice(0, 8)
    const other = seen.get(hash)
    if (other !== undefined) return [other, folder]
    seen.set(hash, folder)
  }
}
