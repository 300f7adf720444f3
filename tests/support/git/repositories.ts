import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import type { Test } from 'tap'
import { exportScript } from '../../../src/git/bundle.ts'
import { openQuarantine, type Quarantine } from '../../../src/git/quarantine.ts'
import { receive } from '../../../src/git/receive.ts'
import type { ReceiveLimits } from '../../../src/git/receive-limits.ts'
import { type HostRepository, openRepository, readHead } from '../../../src/git/repository.ts'
import { readTips, writeBase } from '../../../src/git/tips.ts'
import { memoryFolder } from '../memory-folder.ts'

const env = {
  PATH: process.env.PATH,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_COUNT: '1',
  GIT_CONFIG_KEY_0: 'safe.directory',
  GIT_CONFIG_VALUE_0: '*',
  ...Object.fromEntries(
    ['AUTHOR', 'COMMITTER'].flatMap(who => [
      [`GIT_${who}_NAME`, 'a'],
      [`GIT_${who}_EMAIL`, 'a@x.test'],
    ]),
  ),
}

/** Runs git in a folder with no configuration of the tester; returns its output. */
export function gitIn(folder: string, args: readonly string[], input?: string | Buffer): string {
  return execFileSync('git', args, {
    cwd: folder,
    env,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(input !== undefined && { input }),
  }).toString()
}

export type Repositories = {
  /** The user's folder. */
  host: string
  /** What the agent works in. */
  copy: string
  repository: HostRepository
  quarantine: Quarantine
  /** Runs git in the copy. */
  agent: (...args: string[]) => string
  write: (path: string, content: string | Buffer) => void
  /** Writes files and commits them in the copy; returns the commit. */
  commit: (message: string, files?: Record<string, string | Buffer>) => string
  /** Takes what the copy has to the host, as the watch does. */
  deliver: (limits?: ReceiveLimits) => ReturnType<typeof receive>
  /** Takes such a stream to the host. */
  deliverStream: (
    stream: AsyncIterable<Buffer>,
    limits?: ReceiveLimits,
  ) => ReturnType<typeof receive>
}

type RepositoryOptions = {
  files?: Record<string, string>
  format?: 'sha1' | 'sha256'
  empty?: boolean
  shallow?: boolean
}

export const sessionName = 'test'
export const sessionBranch = 'claude/test'

/** A user's repository with a commit, and a session's copy of it on a branch of its own. */
export async function createRepositories(
  t: Test,
  options: RepositoryOptions = {},
): Promise<Repositories> {
  const root = t.testdir({ state: {} })
  const host = join(root, 'host')
  const copy = join(root, 'copy')
  cpSync(templateOf(options), root, { recursive: true })
  t.teardown(() => endExports(copy))
  const repository = await openRepository(host)
  const quarantine = await openQuarantine({ path: join(root, 'state') }, repository)
  const { commit } = await readHead(repository)
  if (commit !== null) await writeBase(repository, sessionName, commit)
  const agent = (...args: string[]) => gitIn(copy, args)
  const deliverStream: Repositories['deliverStream'] = (stream, limits) =>
    receive(repository, quarantine, sessionName, stream, limits)
  return {
    ...{ host, copy, repository, quarantine, agent, deliverStream },
    write: (path, content) => writeAll(copy, { [path]: content }),
    commit(message, files = {}) {
      writeAll(copy, files)
      agent('add', '--all')
      agent('commit', '--quiet', '--allow-empty', `--message=${message}`)
      return agent('rev-parse', 'HEAD').trim()
    },
    async deliver(limits) {
      const tips = await readTips(repository, sessionName)
      const known = Object.values(tips).flatMap(tip => tip ?? [])
      return deliverStream(exported(copy, known), limits)
    },
  }
}

const templates = new Map<string, string>()

/** Makes both repositories once for each process and options: a copy starts no program. */
function templateOf(options: RepositoryOptions): string {
  const key = JSON.stringify(options)
  const made = templates.get(key)
  if (made !== undefined) return made
  const root = mkdtempSync(join(memoryFolder(), 'claude-secure-repositories-'))
  process.once('exit', () => rmSync(root, { recursive: true, force: true }))
  const host = join(root, 'host')
  const copy = join(root, 'copy')
  mkdirSync(host)
  const format = `--object-format=${options.format ?? 'sha1'}`
  gitIn(host, ['init', '--quiet', '--initial-branch=main', format])
  writeAll(host, options.files ?? { 'a.txt': 'one\n' })
  if (!options.empty) {
    gitIn(host, ['add', '--all'])
    gitIn(host, ['commit', '--quiet', '--message=first'])
  }
  if (options.shallow) makeShallow(host)
  cpSync(host, copy, { recursive: true })
  gitIn(copy, ['switch', '--quiet', '--create', sessionBranch])
  templates.set(key, root)
  return root
}

/** Makes the repository one that has its last commit alone. */
function makeShallow(host: string) {
  gitIn(host, ['commit', '--quiet', '--allow-empty', '--message=second'])
  const before = `${host}.whole`
  renameSync(host, before)
  gitIn(dirname(host), ['clone', '--quiet', '--depth=1', `file://${before}`, host])
}

/** The output of the export, as it comes from a container. */
export function exported(copy: string, known: readonly string[]): AsyncIterable<Buffer> {
  const args = ['-c', exportScript, 'sh', copy, sessionBranch, ...known]
  // A stream that nobody reads yet is emptied when its program ends.
  const kept = new PassThrough()
  const child = spawn('/bin/sh', args, {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
    // A group of its own, so that its end is that of git too.
    detached: true,
  })
  running.set(child, copy)
  child.once('close', () => running.delete(child))
  child.stdout.pipe(kept)
  return kept
}

/** The programs of exports, each with its copy. */
const running = new Map<ChildProcess, string>()

/** Ends the exports that nobody reads to their end: they would still write into a folder that is being removed. */
async function endExports(copy: string) {
  for (const [child, of] of running) {
    if (of !== copy || child.pid === undefined) continue
    const closed = once(child, 'close')
    child.stdout?.destroy()
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
    await closed
  }
}

function writeAll(folder: string, files: Record<string, string | Buffer>) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}
