import { join } from 'node:path'
import type { Test } from 'tap'
import { type PushRequest, push } from '../../../src/git/push/push.ts'
import { temporaryFolder } from '../stack/checkout.ts'
import { makeRepositories, runGit } from './repositories.ts'

/** A token of a person, for a stand-in. */
export const token = 'ghp_the-token-of-the-test'
export const branch = 'claude/20261130-080000'
const settings = { settings: [], sshCommand: null }

/** A user's repository, its remote in a folder, and a push between them. */
export async function setUpPush(t: Test, format?: 'sha256') {
  const folder = await temporaryFolder(t, 'push')
  const made = makeRepositories(folder, format)
  const scratch = join(folder, 'scratch')
  const pushing = (more: Partial<PushRequest> = {}) =>
    push({
      ...{ gitDir: made.gitDir, commit: made.commit, url: made.bare, branch, scratch, settings },
      login: async () => null,
      ...more,
    })
  const tip = (name = branch) =>
    runGit(made.bare, 'for-each-ref', '--format=%(objectname)', `refs/heads/${name}`)
  return { ...made, folder, scratch, pushing, tip }
}
