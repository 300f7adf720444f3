import { execFileSync } from 'node:child_process'

/** A pipe with a name, which nobody writes to. */
export function mkfifoSync(path: string) {
  execFileSync('mkfifo', [path])
}
