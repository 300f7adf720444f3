import { homedir } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { readGitConfig } from '../../config/git-config.ts'
import { isWithin } from '../../files/beneath.ts'
import type { Placeholder } from './overlay.ts'

/** A file or folder of the workspace that git on the host obeys because a configuration names it. */
export type GitReference = {
  /** Relative to the workspace; empty for the workspace itself. */
  path: string
  /** The setting that names it, such as `core.hooksPath`. */
  setting: string
  /**
   * Replaces the path when it is missing: git would use it as soon as it is created. Null for a word of
   * a command, which may not be a path.
   */
  placeholder: Placeholder | null
}

export type GitReferences = { references: GitReference[]; worktreeConfig: boolean }

/** Maximum depth of nested includes, the same as git's. */
const deepest = 10

/** Settings whose value is a command, which may name a script in the workspace. */
const commands =
  /^(core\.(fsmonitor|sshcommand|editor|pager|askpass|gitproxy)|sequence\.editor|credential\..*helper|filter\..*\.(clean|smudge|process)|diff\.external|diff\..*\.(command|textconv)|merge\..*\.driver|(gpg|gpg\..*)\.program|alias\..*|pager\..*|(merge|diff)tool\..*\.cmd|uploadpack\.packobjectshook|trailer\..*\.(cmd|command)|interactive\.difffilter)$/

/**
 * Returns the paths in the workspace that the repository's and the user's configuration point to. `git
 * config` reads one named file, from `/`: it opens no repository and runs nothing that the file names.
 * Without git on the host the configuration has no effect.
 */
export async function readGitReferences(
  workspace: string,
  file: string,
  read: (args: readonly string[]) => Promise<string> = readConfig,
): Promise<GitReferences> {
  const found: GitReferences = { references: [], worktreeConfig: false }
  const seen = new Set<string>()
  const [own] = await Promise.all([read(['--list']), follow(file, 0)])
  // A relative hooksPath in the user's configuration points into each of the user's repositories.
  for (const [key, value] of settingsOf(own)) take(key, value, homedir())
  return found

  async function follow(path: string, depth: number) {
    if (depth > deepest || seen.has(path)) return
    seen.add(path)
    const settings = settingsOf(await read(['--file', path, '--no-includes', '--list']))
    const included: string[] = []
    for (const [key, value] of settings) {
      if (/^include(if\..*)?\.path$/.test(key)) included.push(fromHome(value, dirname(path)))
      take(key, value, dirname(path))
    }
    await Promise.all(included.map(next => follow(next, depth + 1)))
  }

  function take(key: string, value: string, folder: string) {
    const add = (path: string, placeholder: Placeholder | null) => {
      if (!isWithin(workspace, path)) return
      found.references.push({ path: relative(workspace, path), setting: key, placeholder })
    }
    if (key === 'extensions.worktreeconfig')
      found.worktreeConfig ||= /^(true|yes|on|1|)$/i.test(value)
    else if (/^include(if\..*)?\.path$/.test(key))
      // Git stops at a folder here.
      add(fromHome(value, folder), { kind: 'file', content: '' })
    // Git resolves a relative path of these from the top of the repository.
    else if (key === 'core.hookspath') {
      const hooks = fromHome(value, workspace)
      add(hooks, { kind: 'folder' })
      // Husky's `.husky/_` runs the scripts beside it.
      if (basename(hooks) === '_' && dirname(hooks) !== workspace) add(dirname(hooks), null)
    } else if (key === 'core.attributesfile') add(fromHome(value, workspace), { kind: 'folder' })
    else if (commands.test(key)) {
      for (const word of value.split(/[\s;&|()'"]+/)) {
        const path = word.replace(/^!/, '')
        if (path !== '' && !path.startsWith('-')) add(fromHome(path, workspace), null)
      }
    }
  }
}

/** A missing or unreadable file has no settings: it stops git as well. */
function readConfig(args: readonly string[]) {
  return readGitConfig(['-z', ...args])
}

/** Parses `key\nvalue\0` or `key\0`; git prints keys in lower case except for the middle part. */
function settingsOf(listed: string): [key: string, value: string][] {
  return listed
    .split('\0')
    .filter(Boolean)
    .map(entry => {
      const end = entry.indexOf('\n')
      return end < 0
        ? [entry.toLowerCase(), '']
        : [entry.slice(0, end).toLowerCase(), entry.slice(end + 1)]
    })
}

function fromHome(path: string, folder: string) {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(folder, path)
}
