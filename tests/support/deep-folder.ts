import { execFileSync } from 'node:child_process'

/** Nests folders in `folder` deeper than any path reaches, and runs `script` in the innermost. */
export function deepFolder(folder: string, script: string): void {
  const name = 'd'.repeat(200)
  const nest = `cd "$0"; for i in $(seq 30); do mkdir ${name}; cd -P ${name}; done; ${script}`
  execFileSync('sh', ['-ec', nest, folder])
}
