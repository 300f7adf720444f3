import { createHash } from 'node:crypto'
import { basename } from 'node:path'

/** `claude-secure-<slug>-<hash>`: readable in `docker ps`, one for each real path. */
export function stackName(realPath: string): string {
  const slug = basename(realPath)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 24)
    .replace(/-$/, '')
  const hash = createHash('sha256').update(realPath).digest('hex').slice(0, 8)
  return `claude-secure-${slug || 'workspace'}-${hash}`
}

/** Whether a compose project is one of ours, told by its name. */
export function isStackName(project: string): boolean {
  return /^claude-secure-[a-z0-9-]+-[0-9a-f]{8}$/.test(project)
}
