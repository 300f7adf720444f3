import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { readGitConfig } from '../config/git-config.ts'

export type Remote = {
  name: string
  /** As the repository's configuration has it: `parseRemoteUrl` judges it. */
  url: string
  /** The one for pushes. Most remotes have no other. */
  pushUrl: string
}

/**
 * Returns the remotes of a repository. Reads its configuration as a file, without includes: git opens no
 * repository and runs nothing.
 *
 * @param gitDir the folder with `config`
 */
export async function readRemotes(gitDir: string): Promise<Remote[]> {
  const file = join(gitDir, 'config')
  const wanted = '^remote\\..*\\.(url|pushurl)$'
  const listed = await readGitConfig([
    '-z',
    '--file',
    file,
    '--no-includes',
    '--get-regexp',
    wanted,
  ])
  const found = new Map<string, Map<string, string>>()
  for (const entry of listed.split('\0')) {
    const [, name, key, url] = /^remote\.(.*)\.(url|pushurl)\n(.*)$/s.exec(entry) ?? []
    if (name === undefined || key === undefined || url === undefined) continue
    const urls = found.get(name) ?? new Map<string, string>()
    // Git pushes to each of several URLs; the first is the one that it fetches from.
    if (!urls.has(key)) urls.set(key, url)
    found.set(name, urls)
  }
  return [...found].flatMap(([name, urls]) => {
    const url = urls.get('url') ?? urls.get('pushurl')
    return url === undefined ? [] : [{ name, url, pushUrl: urls.get('pushurl') ?? url }]
  })
}

/** Returns the named remote; without a name `origin` or the only one. */
export function chooseRemote(remotes: readonly Remote[], wanted?: string): Remote {
  const name = wanted ?? (remotes.length === 1 ? remotes[0]?.name : 'origin')
  const found = remotes.find(remote => remote.name === name)
  if (found) return found
  const names = remotes.map(remote => remote.name).join(', ')
  throw new UserError(
    wanted === undefined
      ? 'the repository has no remote to push to'
      : `the repository has no remote ${terminalLine(wanted, 60)}`,
    {
      hint:
        names === ''
          ? 'add one with git remote add origin URL'
          : `name one of its remotes: ${terminalLine(names)}`,
    },
  )
}
