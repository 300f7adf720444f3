/** What a remote has, as far as a push to one branch needs it. */
export type RemoteRefs = {
  /** Its default branch; null if it is empty or does not say. */
  defaultBranch: string | null
  /** The commit of the branch; null without that branch. */
  commit: string | null
}

/** Parses the output of `git ls-remote --symref REMOTE HEAD refs/heads/BRANCH`. Git also lists refs that end so. */
export function parseRemoteRefs(output: string, branch: string): RemoteRefs {
  const found: RemoteRefs = { defaultBranch: null, commit: null }
  for (const line of output.split('\n')) {
    const [value = '', name = ''] = line.split('\t')
    const symbolic = /^ref: refs\/heads\/(.+)$/.exec(value)?.[1]
    if (symbolic !== undefined && name === 'HEAD') found.defaultBranch = symbolic
    else if (name === `refs/heads/${branch}` && /^[0-9a-f]{40,64}$/.test(value))
      found.commit = value
  }
  return found
}
