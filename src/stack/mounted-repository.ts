import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { execOk } from '../process/exec.ts'
import type { RepositoryPlan } from '../workspace/repository/plan.ts'

/** The same in all containers of a kernel: only then are the numbers of files comparable. */
const bootId = '/proc/sys/kernel/random/boot_id'

/**
 * Refuses a repository of which a path was replaced between our check and the mount. The engine resolves
 * paths as root, and the agent of another stack may write to the repository: with a symlink to
 * `/root/.ssh`, it would give this stack's agent those files (threat H2). Call it before a session opens;
 * no process of the agent runs in the container yet.
 */
export async function refuseReplacedPaths(
  { docker, signal }: { docker: DockerClient; signal?: AbortSignal },
  plan: RepositoryPlan,
  container: string,
): Promise<void> {
  const covered = new Set(plan.files.map(({ target }) => target))
  if (plan.config) covered.add(plan.config.target)
  const mounts = plan.mounts.filter(({ target }) => !covered.has(target))
  const inside = async (program: readonly string[]) =>
    (
      await execOk(docker.file, ['exec', container, ...program], {
        env: docker.env,
        timeout: 30_000,
        signal,
      })
    ).stdout
  const here = await readFile(bootId, 'utf8').catch(() => '')
  if (here === '' || (await inside(['/usr/bin/cat', bootId])) !== here) return
  const targets = mounts.map(({ target }) => target)
  const listed = await inside(['/usr/bin/stat', '--format=%d:%i', '--', ...targets])
  const found = listed.trimEnd().split('\n')
  const replaced = mounts.find(({ identity }, at) => !identity?.startsWith(`${found[at]}:`))
  if (!replaced) return
  throw new UserError(
    `${terminalLine(join(plan.root, replaced.path))} was replaced while the stack started`,
    {
      hint: `stop the other stacks of this repository, look at that path, then run ${command('start')} again`,
    },
  )
}
