import { checkBisect } from './checks/bisect.ts'
import { checkClean, checkRemove } from './checks/clean.ts'
import { checkMerge, checkPatch, checkPick } from './checks/merge.ts'
import { checkPull, checkRebase } from './checks/rebase.ts'
import { checkStash } from './checks/stash.ts'
import { checkSubmodule } from './checks/submodule.ts'
import { checkCheckout, checkReset, checkRestore, checkSwitch } from './checks/switch.ts'
import { type Call, parseCall, splitAlias } from './command-line.ts'
import { type AskGit, createRepository, pathsBelow } from './repository.ts'
import { type Check, pass, type Verdict } from './verdict.ts'

const checks: Record<string, Check> = {
  switch: checkSwitch,
  checkout: checkCheckout,
  restore: checkRestore,
  reset: checkReset,
  merge: checkMerge,
  rebase: checkRebase,
  'cherry-pick': checkPick,
  revert: checkPick,
  pull: checkPull,
  stash: checkStash,
  clean: checkClean,
  rm: checkRemove,
  bisect: checkBisect,
  am: checkPatch,
  apply: checkPatch,
}

/** Commands whose option `--track` writes to the configuration. */
const tracking = /^(switch|checkout|worktree)$/
const known = /^(worktree|submodule)$/

/** Maximum length of a chain of aliases. */
const deepest = 10

export type Protection = { workspace: string; paths: readonly string[] }

/** Judges a call of git, and returns the call that aliases make of it. */
export function judge(
  argv: readonly string[],
  { workspace, paths }: Protection,
  askWith: (globals: readonly string[]) => AskGit,
): { call: Call | null; verdict: Verdict } {
  const { call, shell } = resolveAlias(parseCall(argv), askWith)
  const check = call && checks[call.command]
  if (!call || call.args.some(arg => arg === '-h' || arg === '--help'))
    return { call, verdict: pass }
  if (shell !== null) return { call, verdict: runShellAlias(call, shell) }
  if (tracking.test(call.command) && isClosed(paths) && tracks(call.args)) {
    return { call, verdict: noTracking }
  }
  const ask = askWith(call.globals)
  if (call.command === 'submodule') return { call, verdict: checkSubmodule(ask, call.args, paths) }
  if (!check) return { call, verdict: pass }
  const place = ask(['rev-parse', '--show-toplevel', '--show-prefix'])
  const [top = '', prefix = ''] = place.stdout.split('\n')
  if (place.code !== 0) return { call, verdict: pass }
  const inTree = pathsBelow(
    top,
    workspace,
    paths.filter(path => !/^\.git(\/|$)/.test(path)),
  )
  if (inTree.length === 0) return { call, verdict: pass }
  return { call, verdict: check(createRepository(ask, { top, prefix, paths: inTree }), call.args) }
}

const noTracking: Verdict = {
  kind: 'forbid',
  reason: 'it would write the upstream to .git/config, which the agent cannot write',
  hint: 'use it without --track; git push and git pull accept the remote and the branch as arguments',
}

/** A file `.git` names a repository elsewhere, whose configuration is closed as well. */
function isClosed(paths: readonly string[]) {
  return paths.includes('.git/config') || paths.includes('.git')
}

function tracks(args: readonly string[]) {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some(arg => /^(-t|--track(=.*)?)$/.test(arg))
}

/** A call without its aliases; `shell` is the command of the alias that it is, if that runs a shell. */
type Resolved = { call: Call | null; shell: string | null }

function resolveAlias(
  call: Call | null,
  askWith: (globals: readonly string[]) => AskGit,
  depth = 0,
): Resolved {
  if (call === null || known.test(call.command) || checks[call.command] || depth > deepest) {
    return { call, shell: null }
  }
  const { code, stdout } = askWith(call.globals)(['config', '--get', `alias.${call.command}`])
  const value = stdout.trim()
  if (code !== 0 || value === '') return { call, shell: null }
  if (value.startsWith('!')) return { call, shell: value.slice(1) }
  const inner = parseCall([...splitAlias(value), ...call.args])
  if (inner === null) return { call: null, shell: null }
  return resolveAlias(
    { ...inner, globals: [...call.globals, ...inner.globals] },
    askWith,
    depth + 1,
  )
}

/**
 * Runs an alias that is a shell command with the caller's PATH before git's own folder, which git puts first
 * and which has a `git` of its own: each git in the command is a call that is judged.
 */
export function runShellAlias(
  { command, args }: Call,
  shell: string,
  path = process.env.PATH ?? '',
): Verdict {
  const quoted = `'${path.replaceAll("'", `'\\''`)}'`
  const alias = `alias.${command}=!PATH=${quoted}:"$PATH"; export PATH; ${shell}`
  return { kind: 'run', globals: [], args: ['-c', alias, command, ...args], excludes: [] }
}
