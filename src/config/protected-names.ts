import { type HostFileGuard, hostPrograms, namesOf } from './host-programs.ts'

/** The workspace's configuration of claude-secure. The next `start` obeys it: the agent must not write it. */
export const workspaceConfigName = 'claude-secure.config.json'

/** The same file of claude-code-runner and of its predecessor; read when there is none of ours, in this order. */
export const foreignConfigNames = ['claude-run.config.json', 'claude-sandbox.config.json'] as const
export const workspaceConfigNames = [workspaceConfigName, ...foreignConfigNames] as const
export type WorkspaceConfigName = (typeof workspaceConfigNames)[number]

type Words<Text extends string> = Text extends `${infer First} ${infer Rest}`
  ? First | Words<Rest>
  : Text
type Bare<Name extends string> = Name extends `${infer Folder}/` ? Folder : Name
type Row = (typeof hostPrograms)[number]
type ProtectedRow = Exclude<Row, { guard: 'told' } | { program: 'git, by Husky' }>
export type ProtectedName = Bare<Words<ProtectedRow['files']>>

/**
 * Names in the workspace that host programs run or obey automatically: git, editors, shells, agents, and
 * claude-secure itself. `PROTECT` knows them.
 */
export const protectedNames = namesWith(['mounted', 'moved', 'approved', 'withheld']).filter(
  (name): name is ProtectedName => name !== '.husky',
)

/**
 * Names that are mounted read-only where they exist. The others need no mount: git takes no command from
 * them while its configuration is closed. An attribute only selects a driver of the configuration, and
 * git refuses commands in `.gitmodules`.
 */
export const mountedNames = protectedNamesWith(['mounted', 'moved', 'approved'])

/**
 * Files without a placeholder: globs such as `*.json` would meet it, and a placeholder for each program
 * would litter the folder.
 */
export const askedNames: readonly ProtectedName[] = protectedNamesWith(['moved', 'approved'])

/**
 * Those that are moved away when they appear while an agent works. Not a configuration that we read: a
 * person approves its content before it takes effect.
 */
export const withdrawnNames = protectedNamesWith(['moved'])

/** Those that are folders: a folder with the name of another file is not read by a program. */
export const withdrawnFolders: readonly string[] = hostPrograms
  .filter(({ guard }) => guard === 'moved')
  .flatMap(({ files }) => files.split(' '))
  .filter(name => name.endsWith('/'))
  .map(name => name.slice(0, -1))

function namesWith(guards: readonly HostFileGuard[]) {
  return hostPrograms.filter(({ guard }) => guards.includes(guard)).flatMap(namesOf)
}

function protectedNamesWith(guards: readonly HostFileGuard[]) {
  const names = new Set(namesWith(guards))
  return protectedNames.filter(name => names.has(name))
}

/** Returns the names that PROTECT leaves writable: none for `all`, every name for `none`, two for `-.vscode,-.idea`. */
export function parseProtect(value: string): ProtectedName[] | null {
  if (value === 'all') return []
  if (value === 'none') return [...protectedNames]
  const loosened: ProtectedName[] = []
  for (const part of value.split(',')) {
    const name = protectedNames.find(name => part.trim() === `-${name}`)
    if (!name) return null
    loosened.push(name)
  }
  return loosened
}

/** Maximum names in PROTECT_ALSO. */
const mostAlso = 50

/**
 * Returns the names that PROTECT_ALSO adds, for files at the top of a folder: `.tool,run.sh`. Null when one
 * is not a name, or is protected already.
 */
export function parseProtectAlso(value: string): string[] | null {
  const names = value
    .split(',')
    .map(name => name.trim())
    .filter(name => name !== '')
  const known: readonly string[] = protectedNames
  const isName = (name: string) =>
    /^[^/\\\p{Cc}\p{Cf}]{1,255}$/u.test(name) && !/^(-.*|\.\.?|commondir)$/.test(name)
  return names.length <= mostAlso && names.every(name => isName(name) && !known.includes(name))
    ? [...new Set(names)]
    : null
}
