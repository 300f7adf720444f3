import { readFileSync } from 'node:fs'
import { freemem } from 'node:os'
import type { LaunchProfile } from '../claude/launch.ts'
import type { ClaudeProcess } from '../claude/process.ts'
import { forceEnd } from '../ending/ladder.ts'
import type { Totals } from '../turn/cost.ts'
import { parseLine } from '../turn/output.ts'
import type { Workspace } from '../workspace.ts'

/** The same three figures, in cgroup v2 and v1. */
const versions = [
  { limit: 'memory.max', used: 'memory.current', stat: 'memory.stat', idle: 'inactive_file' },
  {
    limit: 'memory/memory.limit_in_bytes',
    used: 'memory/memory.usage_in_bytes',
    stat: 'memory/memory.stat',
    idle: 'total_inactive_file',
  },
]

/**
 * Returns the bytes that this container can still allocate, counting reclaimable file cache as free.
 * Without a limit: the free memory of the machine.
 */
export function freeMemory(folder = '/sys/fs/cgroup', machine: () => number = freemem): number {
  const read = (name: string) => {
    try {
      return readFileSync(`${folder}/${name}`, 'utf8')
    } catch {
      return ''
    }
  }
  for (const { limit, used, stat, idle } of versions) {
    const total = Number.parseInt(read(limit), 10)
    const now = Number.parseInt(read(used), 10)
    if (Number.isNaN(total) || Number.isNaN(now)) continue
    const dropped = new RegExp(`^${idle} (\\d+)$`, 'm').exec(read(stat))?.[1] ?? '0'
    // Without a limit, v2 has "max", and v1 a number larger than any memory.
    return Math.min(total - now + Number(dropped), machine())
  }
  return machine()
}

/** `opening`: digest of the opening that the process has taken already; null when it has taken none. */
export type FreshPurpose = { kind: 'fresh'; profile: LaunchProfile; opening: string | null }

/** A warm process: it waits for a prompt. */
export type Warm = {
  claude: ClaudeProcess
  workspace: Workspace
  meter: string
  sessionId: string
  totals: Totals
  /** Value of `startFiles` when the process started. */
  files: string
  /** A fresh process waits for a new session, a kept one for the next prompt of its session. */
  purpose: FreshPurpose | { kind: 'kept'; life: string }
}

export type PoolOptions = {
  /** Maximum pool size. */
  size: number
  /** Maximum number of workspaces in the pool. */
  workspaces?: number
  idleMilliseconds?: number
  /** Milliseconds before the first look for stray processes. Each later pause is twice as long. */
  firstLook?: number
  /** Milliseconds in which the helpers of an idle claude, such as git, end. */
  helperMilliseconds?: number
  freeMemory: () => number
}

/** Minimum free memory, in bytes, to keep a process warm. A process takes 150 to 240 MB. */
export const memoryFloor = 600 * 1024 * 1024

/** Maximum milliseconds between two looks for stray processes. */
const maxPause = 60_000

/** Types of messages that a process writes only when it works on something. */
const working = new Set(['assistant', 'stream_event', 'user', 'result'])

/**
 * Creates the warm pool. Each process belongs to one workspace and one session, and never serves another.
 * A process that works without a prompt is ended.
 */
export function createPool(options: PoolOptions) {
  const {
    size,
    workspaces = 4,
    idleMilliseconds = 600_000,
    freeMemory,
    firstLook = 1_000,
    // On a busy machine git takes its time.
    helperMilliseconds = 3_000,
  } = options
  const waiting = new Map<Warm, NodeJS.Timeout>()
  const leaving = new Set<Promise<unknown>>()

  function remove(warm: Warm): boolean {
    clearTimeout(waiting.get(warm))
    return waiting.delete(warm)
  }
  function end(warm: Warm) {
    remove(warm)
    const gone = forceEnd(warm.claude)
    leaving.add(gone)
    void gone.then(() => leaving.delete(gone))
    return gone
  }
  /**
   * Ends a process below which another one lives: a hook started it, and no run would end it. A process that waits
   * has only its servers; what it starts to look at the workspace ends in a moment.
   */
  function lookForStrays(warm: Warm, pause: number) {
    setTimeout(async () => {
      if (!waiting.has(warm)) return
      const isAlone = await warm.claude.settle(warm.claude.present(), helperMilliseconds)
      if (!waiting.has(warm)) return
      if (isAlone) lookForStrays(warm, Math.min(2 * pause, maxPause))
      else void end(warm)
    }, pause).unref()
  }
  const all = () => [...waiting.keys()]
  const of = (workspace: Workspace) => all().filter(warm => warm.workspace.key === workspace.key)

  return {
    hasRoom: () => size > 0 && freeMemory() >= memoryFloor,

    put(warm: Warm) {
      if (size === 0 || warm.claude.hasEnded()) return end(warm)
      // Keeps one process of each purpose in a workspace: the newest.
      for (const other of of(warm.workspace)) {
        if (other.purpose.kind === warm.purpose.kind) void end(other)
      }
      const timer = setTimeout(() => end(warm), idleMilliseconds)
      timer.unref()
      waiting.set(warm, timer)
      lookForStrays(warm, firstLook)
      warm.claude.onStderr = () => {}
      warm.claude.onLine = line => {
        const parsed = parseLine(line)
        if (parsed.kind === 'message' && working.has(String(parsed.message.type))) void end(warm)
      }
      void warm.claude.ended.then(() => remove(warm))
      // A Map lists the oldest first.
      const keys = [...new Set(all().map(({ workspace }) => workspace.key))]
      for (const key of keys.slice(0, Math.max(0, keys.length - workspaces))) {
        for (const other of all()) if (other.workspace.key === key) void end(other)
      }
      for (const other of all().slice(0, Math.max(0, waiting.size - size))) void end(other)
      return null
    },

    /** Removes a process that fits from the pool and returns it; null when none fits. */
    take(workspace: Workspace, fits: (warm: Warm) => boolean): Warm | null {
      const found = of(workspace).find(warm => !warm.claude.hasEnded() && fits(warm))
      if (found) remove(found)
      return found ?? null
    },

    has: (workspace: Workspace, fits: (warm: Warm) => boolean) => of(workspace).some(fits),

    /** Ends the processes that fit, and waits for their end. */
    async drop(fits: (warm: Warm) => boolean) {
      await Promise.all(all().filter(fits).map(end))
    },

    list: () => all().map(({ workspace }) => ({ workspace: workspace.path })),

    async close() {
      await Promise.all(all().map(end))
      await Promise.all(leaving)
    },
  }
}
export type Pool = ReturnType<typeof createPool>
