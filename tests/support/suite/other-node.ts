import { chmod, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fetchPackage } from '../../../src/images/npm-fetch.ts'
import type { PinnedPackage } from '../../../src/images/pins.ts'

export type NodeMajor = '22' | '24'

/**
 * Returns the folder of another Node.js than the one that is installed. The user's own npm fetches it
 * once, and its bytes are judged against node-pins.json.
 */
export async function nodeFolder(major: NodeMajor): Promise<string> {
  const text = await readFile(join(import.meta.dirname, 'node-pins.json'), 'utf8')
  const pins = JSON.parse(text) as Record<NodeMajor, PinnedPackage>
  const cache = testCache()
  const folder = await fetchPackage(pins[major], { cache, selection: { only: ['bin/node'] } })
  await chmod(cache, 0o755)
  return join(folder, 'bin')
}

/** Returns the folder of what the tests download. */
export function testCache(): string {
  return join(cacheRoot(), 'claude-secure-tests')
}

/** Some tests run a program as another user, who cannot reach into the home of root. */
function cacheRoot(): string {
  if (process.getuid?.() === 0) return '/var/cache'
  return process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
}
