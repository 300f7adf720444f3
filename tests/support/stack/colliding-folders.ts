import { hash } from 'node:crypto'
import { join } from 'node:path'

/** Returns two folders below `parent` whose stacks have one name: 32 bits of a hash collide within 100,000 paths. */
export function collidingFolders(parent: string): [string, string] {
  const folder = (index: number) => join(parent, `${index}`, 'app')
  // The numbers in place of the paths: this loop runs 80,000 times.
  const seen = new Map<number, number>()
  for (let index = 0; ; index++) {
    const id = hash('sha256', `${parent}/${index}/app`, 'buffer').readUInt32BE()
    const other = seen.get(id)
    if (other !== undefined) return [folder(other), folder(index)]
    seen.set(id, index)
  }
}
