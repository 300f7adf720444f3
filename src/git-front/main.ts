import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ignorePatterns } from './checks/clean.ts'
import { type Call, parseCall } from './command-line.ts'
import { judge } from './judge.ts'
import { createAskGit, realGit } from './repository.ts'
import { renderForbidden, renderRefusal } from './verdict.ts'

/** Exit status that asks /usr/local/bin/git to run the real git with the user's arguments. */
const runAsItIs = 100

/**
 * Judges a call of git in the container before it begins, so that git never stops in the middle at a
 * read-only path. Honesty and not a control: the real git, called by its path, meets the same mounts.
 */
process.exitCode = guarded()

/** A front that fails leaves git as it would be without one. */
function guarded() {
  try {
    return main(process.argv.slice(2), process.env)
  } catch {
    return runAsItIs
  }
}

function main(argv: readonly string[], env: NodeJS.ProcessEnv): number {
  const paths = parsePaths(env.CLAUDE_SECURE_PROTECTED)
  if (paths.length === 0) return runAsItIs
  const { call, verdict } = judge(argv, { workspace: '/workspace', paths }, globals =>
    createAskGit(globals),
  )
  const typed = parseCall(argv)
  if (call === null || typed === null || verdict.kind === 'pass') return runAsItIs
  if (verdict.kind === 'run') return runChanged(call, verdict)
  const lines =
    verdict.kind === 'refuse'
      ? renderRefusal(typed, verdict, parsePaths(env.CLAUDE_SECURE_PROTECT_ALSO))
      : renderForbidden(typed, verdict)
  process.stderr.write(`${lines.join('\n')}\n`)
  return 1
}

function parsePaths(text: string | undefined): string[] {
  const value: unknown = JSON.parse(text || '[]')
  return Array.isArray(value) ? value.filter(path => typeof path === 'string') : []
}

/** Runs the real git with added arguments, and with `excludes` ignored besides the user's own patterns. */
function runChanged(
  { globals }: Call,
  { args, excludes }: { args: readonly string[]; excludes: readonly string[] },
): number {
  const ask = createAskGit(globals)
  const folder = excludes.length > 0 ? mkdtempSync(join(tmpdir(), 'git-')) : null
  try {
    const added: string[] = []
    if (folder !== null) {
      const named = ask(['config', '--type=path', '--get', 'core.excludesFile']).stdout.trim()
      const { XDG_CONFIG_HOME } = process.env
      const own = named || join(XDG_CONFIG_HOME || join(homedir(), '.config'), 'git/ignore')
      const file = join(folder, 'ignore')
      writeFileSync(file, [...ignorePatterns(excludes), contentOf(own)].join('\n'))
      added.push('-c', `core.excludesFile=${file}`)
    }
    const { status } = spawnSync(realGit, [...globals, ...added, ...args], { stdio: 'inherit' })
    return status ?? 1
  } finally {
    if (folder !== null) rmSync(folder, { recursive: true, force: true })
  }
}

function contentOf(path: string) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
