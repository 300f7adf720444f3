import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { WebSocket } from 'ws'
import { exportScript } from '../src/git/bundle.ts'
import { sessionStack } from '../src/git/session-record.ts'
import { must, until } from '../tests/support/stack/process.ts'
import { owner, removeStack } from '../tests/support/stack/test-stack.ts'
import type { Command } from './system.ts'
import { wholeTime } from './timed-command.ts'

/** A session on a repository of its own, in which a commit changes one file of many. */
export type CommitSession = {
  /** Milliseconds from the end of `git commit` until the terminal of `session watch` tells it. */
  toTerminal: () => Promise<number>
  /** The same until a page that shows the session has it. */
  toPage: () => Promise<number>
  /** Milliseconds of the whole `session list --json`, which fetches a new commit. */
  list: () => Promise<number>
  /** Kilobytes that the container sends for one commit. */
  sent: () => Promise<number>
  close: () => Promise<void>
}

/** What tells the moment at which it showed a commit. */
type Watch = { seen: (subject: string) => Promise<number>; close: () => Promise<void> }

const name = 'bench'
const branch = 'claude/bench'

/** Starts a session in a repository of so many files. */
export async function startCommitSession(cli: Command, files: number): Promise<CommitSession> {
  const place = await realpath(await mkdtemp(join(tmpdir(), 'claude-secure-bench-session-')))
  const steps: (() => Promise<unknown>)[] = [
    () => rm(place, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }),
  ]
  const close = async () => {
    for (const step of steps.toReversed()) await step()
  }
  try {
    await makeRepository(place, files)
    const here = (...args: string[]): Command => ({
      ...cli,
      argv: [...cli.argv, ...args],
      cwd: place,
    })
    const call = ({ argv: [file, ...args], cwd, env }: Command) => must(file, args, { cwd, env })
    const { name: stack } = sessionStack(place, name)
    steps.push(() => removeStack(stack))
    await call(here('session', 'start', '--detach', '--name', name, '--branch', branch))
    const container = `${stack}-claude-1`
    const commit = createCommitter(container)

    /** Commits, and waits until `seen` has it. */
    const fromCommit = async (seen: (subject: string) => Promise<number>) => {
      const subject = `commit-${Math.random().toString(36).slice(2)}`
      const moment = seen(subject)
      const made = await commit(subject)
      return (await moment) - made
    }
    // One at a time: each fetches, and a second one would wait for the first.
    let watch: (Watch & { kind: string }) | null = null
    const watching = async (kind: string, open: () => Promise<Watch>) => {
      if (watch?.kind === kind) return watch
      await watch?.close()
      watch = { ...(await open()), kind }
      return watch
    }
    steps.push(async () => watch?.close())
    const terminal = () => openWatch(here('session', 'watch', name))
    const page = () => openPage(here('web', '--port', '0'), stack)
    return {
      toTerminal: async () => fromCommit((await watching('terminal', terminal)).seen),
      toPage: async () => fromCommit((await watching('page', page)).seen),
      async list() {
        await commit('listed')
        return wholeTime(here('session', 'list', '--json'))
      },
      async sent() {
        const base = (
          await must('docker', [
            'exec',
            '--workdir',
            '/workspace',
            container,
            'git',
            'rev-parse',
            'HEAD',
          ])
        ).trim()
        await commit('sent')
        const words = ['sh', '-c', `(${exportScript}) | wc -c`, 'sh', '/workspace', branch, base]
        return Number(await must('docker', ['exec', container, ...words])) / 1_000
      },
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Files of 100 B, 20 in a folder, as the owner of the test workspaces. */
async function makeRepository(place: string, files: number) {
  for (let first = 0; first < files; first += 20) {
    const folder = join(place, `p${(first / 20) % 100}/m${Math.floor(first / 2_000)}`)
    await mkdir(folder, { recursive: true })
    for (let at = first; at < Math.min(first + 20, files); at++) {
      await writeFile(join(folder, `${at}.txt`), `${at} `.padEnd(100, 'abc '))
    }
  }
  const git = (...args: string[]) =>
    must('git', ['-c', 'gc.auto=0', '-c', 'user.name=b', '-c', 'user.email=b@b', ...args], {
      cwd: place,
    })
  await git('init', '--quiet', '--initial-branch=main')
  await git('add', '--all')
  await git('commit', '--quiet', '--message=first')
  await git('gc', '--quiet')
  await must('chown', ['-R', `${owner}:${owner}`, place])
  await chown(place, owner, owner)
}

/** Returns a function that changes one file in the copy and commits it; resolves with the moment after the commit. */
function createCommitter(container: string) {
  const script = `cd /workspace; echo "$1" > p0/m0/0.txt; git add p0/m0/0.txt
git -c user.name=x -c user.email=x@x commit -qm "$1"; date +%s%3N`
  return async (subject: string): Promise<number> =>
    Number(
      await must('docker', [
        'exec',
        container,
        'sh',
        '-euc',
        script,
        'sh',
        `${subject} ${Date.now()}`,
      ]),
    )
}

/** Tells the moments at which texts were seen. */
function createSightings() {
  const waiting = new Map<string, (moment: number) => void>()
  return {
    seen: (subject: string) =>
      new Promise<number>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${subject} was not seen`)), 120_000)
        waiting.set(subject, moment => {
          clearTimeout(timer)
          resolve(moment)
        })
      }),
    look(text: string) {
      const now = Date.now()
      for (const [subject, tell] of waiting) {
        if (!text.includes(subject)) continue
        waiting.delete(subject)
        tell(now)
      }
    },
  }
}

async function openWatch({ argv: [file, ...args], cwd, env }: Command): Promise<Watch> {
  const { seen, look } = createSightings()
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = once(child, 'close')
  let said = ''
  child.stderr.on('data', chunk => {
    said += chunk
  })
  createInterface(child.stdout).on('line', look)
  await until('the watch', async () => said.includes('watching session'))
  return {
    seen,
    async close() {
      child.kill('SIGINT')
      await ended
    },
  }
}

async function openPage(
  { argv: [file, ...args], cwd, env }: Command,
  stack: string,
): Promise<Watch> {
  const { seen, look } = createSightings()
  const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'] })
  const ended = once(child, 'close')
  const [url] = (await once(createInterface(child.stdout), 'line')) as [string]
  const { host, hash, origin } = new URL(url)
  const token = hash.replace('#token=', '')
  const socket = new WebSocket(`ws://${host}/live`, ['claude-secure', `token.${token}`], { origin })
  let last = ''
  socket.on('message', data => {
    last = String(data)
    look(last)
  })
  await once(socket, 'open')
  socket.send(JSON.stringify({ watch: stack }))
  await until('the commits in the page', async () => last !== '')
  return {
    seen,
    async close() {
      socket.terminate()
      child.kill('SIGINT')
      await ended
    },
  }
}
