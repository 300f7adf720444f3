import { parseOptions } from '../command-line.ts'
import type { AskGit } from '../repository.ts'
import { pass, type Verdict } from '../verdict.ts'

/**
 * `git submodule update` writes to the configuration of each submodule, and with `--init` to that of the
 * repository. Refuses where these are closed, because git would stop at the first one.
 */
export function checkSubmodule(
  ask: AskGit,
  args: readonly string[],
  closed: readonly string[],
): Verdict {
  const [verb, ...rest] = args.filter(arg => arg !== '-q' && arg !== '--quiet')
  if (verb !== 'update') return pass
  const config = closed.find(path => /^\.git\/modules\/.*\/config$|^\.git\/modules$/.test(path))
  if (config !== undefined) {
    return {
      kind: 'forbid',
      reason: `it would write ${config}, which the agent cannot write`,
      hint: "use git submodule foreach --recursive 'git checkout --quiet $sha1'; a commit that is missing needs git fetch there first",
    }
  }
  const missing = parseOptions(rest).has('--init') ? notInitialised(ask) : []
  if (missing.length === 0 || !closed.includes('.git/config')) return pass
  return {
    kind: 'forbid',
    reason: `it would add ${missing.join(', ')} to .git/config, which the agent cannot write`,
    hint: 'ask the user to run git submodule update --init on the host, and to stop and start the stack',
  }
}

function notInitialised(ask: AskGit): string[] {
  const top = ask(['rev-parse', '--show-toplevel']).stdout.trim()
  const names = (more: readonly string[]) =>
    ask(['-C', top, 'config', ...more, '--name-only', '--get-regexp', '^submodule\\..*\\.url$'])
      .stdout.split('\n')
      .filter(Boolean)
  const known = new Set(names([]))
  return names(['--file', '.gitmodules'])
    .filter(name => !known.has(name))
    .map(name => name.slice('submodule.'.length, -'.url'.length))
}
