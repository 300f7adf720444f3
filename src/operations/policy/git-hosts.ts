import { lstat } from 'node:fs/promises'
import { messageOf } from '../../base/errors.ts'
import type { Log } from '../../base/log.ts'
import { gitHostsFolder, writeGitHosts } from '../../stack/additions/git-hosts.ts'
import { stateFolder } from '../../stack/state/state-folder.ts'
import { openNames, readPolicyLists } from './policy-files.ts'

/**
 * Tells git in running stacks which hosts it reaches now, so that a `git@` remote works as soon as its
 * host is allowed. The edit of the policy holds also when this fails.
 */
export async function updateGitHosts(root: string, stacks: readonly string[], log: Log) {
  for (const stack of stacks) {
    const state = stateFolder(stack)
    // A stack of an older version does not mount the folder.
    if (!(await lstat(gitHostsFolder(state)).catch(() => null))) continue
    try {
      const open = openNames(readPolicyLists(root, state), new Date())
      await writeGitHosts(
        state,
        open.map(({ name }) => name),
      )
    } catch (error) {
      log({
        kind: 'warn',
        text: `git in ${stack} learns of it at the next start: ${messageOf(error)}`,
      })
    }
  }
}
