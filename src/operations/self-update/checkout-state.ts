import { realpath } from 'node:fs/promises'
import { UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import type { Git } from './git.ts'
import { isKept } from './kept-files.ts'

/** Maximum number of files in one message. */
const filesShown = 5

/** The branch that a checkout follows. */
export type Followed = { remote: string; upstream: string }

/** Returns the branch that this checkout follows; throws when there is none to fast-forward to. */
export async function followedBranch(git: Git, root: string): Promise<Followed> {
  const top = await git.ask('rev-parse', '--show-toplevel')
  if (top === null || (await realpath(top)) !== (await realpath(root))) {
    throw new UserError(`${terminalLine(root, 300)} is not a git checkout`, {
      hint: 'replace the folder with a clone of the repository; keep .env, proxy/squid.conf and additions',
    })
  }
  const branch = await git.ask('symbolic-ref', '--quiet', '--short', 'HEAD')
  if (branch === null) {
    throw new UserError(`${terminalLine(root, 300)} is at a commit and on no branch`, {
      hint: 'run git switch main there, then update again',
    })
  }
  const upstream = await git.ask('rev-parse', '--abbrev-ref', '--symbolic-full-name', '@{upstream}')
  const remote = await git.ask('config', '--get', `branch.${branch}.remote`)
  if (upstream === null || remote === null) {
    throw new UserError(`the branch ${terminalLine(branch, 100)} follows no other branch`, {
      hint: 'run git branch --set-upstream-to=origin/main there, then update again',
    })
  }
  return { remote, upstream }
}

/**
 * Returns the changed files that an update keeps; throws for changes of any other file. Untracked files do
 * not count: git itself refuses to overwrite one.
 */
export async function keptChanges(git: Git, root: string): Promise<string[]> {
  const hint = `run git status in ${terminalLine(root, 300)}`
  const changed = await git.need(
    'cannot read the state of the checkout',
    hint,
    ...['diff', '--name-only', '--no-renames', '--no-ext-diff', '-z', 'HEAD', '--'],
  )
  const files = changed.split('\0').filter(Boolean)
  const others = files.filter(file => !isKept(file))
  if (others.length === 0) return files
  const shown = others.slice(0, filesShown).map(file => terminalLine(file, 100))
  const more = others.length > filesShown ? ` and ${others.length - filesShown} more` : ''
  throw new UserError(`the checkout has local changes: ${shown.join(', ')}${more}`, {
    hint: `commit them to a branch of your own, or undo them with git checkout HEAD -- FILE in ${terminalLine(root, 300)}`,
  })
}
