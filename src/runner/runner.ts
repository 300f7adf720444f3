import { randomBytes, randomUUID } from 'node:crypto'
import { lstatSync, mkdirSync, rmSync } from 'node:fs'
import { messageOf, UserError } from '../errors.ts'
import type { RunRequest } from '../run/request.ts'
import type { RunnerEvent, RunnerRequest } from '../run/runner-protocol.ts'
import { claudeArguments, claudeEnvironment, type LaunchOptions } from './claude-command.ts'
import { type ClaudeProcess, startClaude } from './claude-process.ts'
import { confineCommand, type Surroundings } from './confine.ts'
import { noTotals, totalsOf } from './cost.ts'
import { createDeferred, type Deferred } from './deferred.ts'
import { answerFirstRun } from './home.ts'
import { fitsFresh, type LaunchProfile, lifeOf, startFiles } from './launch-profile.ts'
import type { NameRun } from './name-run.ts'
import type { Pool, Warm } from './pool.ts'
import { createQuietTime } from './quiet-time.ts'
import { runPrompt, type StopReason } from './run.ts'
import { findTranscript, hasTranscript, type Sessions } from './sessions.ts'
import { readStandingPrompt } from './standing-prompt.ts'
import { initializeLine, promptLine, settingLines } from './stdin-messages.ts'
import { tidy } from './tidy.ts'
import { findWorkspace, type Places, type Workspace } from './workspace.ts'

type Refusal = Extract<RunnerEvent, { kind: 'refused' }>['reason']

/** Who asked for a run, and reads its events. */
export type Client = {
  emit: (line: string) => Promise<void>
  /** From now on events that the reader does not take are dropped. */
  hurry: () => void
  /** The run is under way: from now on it can be cancelled by its id. */
  taken: () => void
  gone: AbortSignal
}

export type RunnerOptions = {
  env: NodeJS.ProcessEnv
  places: Places
  /** Most runs at once. */
  runs: number
  /** What stands before claude's arguments: the supervisor, and claude. */
  programs: { supervise: string; claude: string }
  /** Null where the kernel cannot confine. */
  surroundings: Surroundings | null
  sessions: Sessions
  pool: Pool
  /** File with the user's words for every run. */
  standingPrompt: string
  /** Whether all children of init are the runner's. */
  orphans: boolean
  nameRun: NameRun
}

type Active = {
  runId: string
  workspace: string
  startedAt: string
  stop: (reason: StopReason) => void
  done: Promise<void>
}

type Taken = Omit<Warm, 'purpose' | 'workspace'> & {
  warm: boolean
  /** What goes to its stdin before the prompt. */
  input: string
}

const newMeter = () => randomBytes(8).toString('hex')

type Admission = { workspace: Workspace; stop: Deferred<StopReason>; done: Deferred<void> }

/** All runs of this container: at most one in a workspace, which is free when nothing of it is left. */
export function createRunner(options: RunnerOptions) {
  const active = new Map<string, Active>()
  /** Runs that are not in `active` yet. */
  const arriving = new Map<string, Promise<unknown>>()
  const seeded = new Set<string>()
  const quietTime = createQuietTime(() => active.size === 0)
  let stopping = false

  async function run(request: RunnerRequest, client: Client): Promise<void> {
    const admission = admit(request, client)
    arriving.set(request.runId, admission)
    const admitted = await admission.finally(() => arriving.delete(request.runId))
    if (!admitted) return
    const { workspace, stop, done } = admitted
    const deadline = setTimeout(() => {
      client.hurry()
      stop.resolve('timed-out')
    }, request.request.timeoutSeconds * 1_000)
    const leave = () => stop.resolve('cancelled')
    client.gone.addEventListener('abort', leave)
    if (client.gone.aborted) leave()
    let last: RunnerEvent
    try {
      last = await serve(request, workspace, client, stop.promise)
    } catch (error) {
      last = failed(error)
    } finally {
      clearTimeout(deadline)
      client.gone.removeEventListener('abort', leave)
      active.delete(workspace.path)
      done.resolve()
      quietTime.look()
    }
    await client.emit(JSON.stringify(last))
  }

  /** Gives the run the lease of its workspace, or says why not. */
  async function admit(request: RunnerRequest, client: Client): Promise<Admission | null> {
    const refuse = async (reason: Refusal, message: string) => {
      await client.emit(JSON.stringify({ kind: 'refused', reason, message }))
      return null
    }
    let workspace: Workspace
    try {
      workspace = await findWorkspace(request.workspace, options.places)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      return refuse('workspace', error.message)
    }
    if (stopping) return refuse('stopping', 'the worker is stopping')
    const holder = active.get(workspace.path)
    if (holder) return refuse('busy', `workspace busy: run ${holder.runId} is under way`)
    if (active.size >= options.runs) {
      return refuse('capacity', `${options.runs} runs are under way already`)
    }
    const { session } = request.request
    if (session.kind === 'resume' && !canResume(workspace, session.id)) {
      return refuse('no-session', `no session ${session.id} in ${workspace.path}`)
    }
    const stop = createDeferred<StopReason>()
    const done = createDeferred<void>()
    active.set(workspace.path, {
      runId: request.runId,
      workspace: workspace.path,
      startedAt: new Date().toISOString(),
      stop(reason) {
        client.hurry()
        stop.resolve(reason)
      },
      done: done.promise,
    })
    client.taken()
    return { workspace, stop, done }
  }

  async function serve(
    { request, runId }: RunnerRequest,
    workspace: Workspace,
    client: Client,
    stop: Promise<StopReason>,
  ): Promise<RunnerEvent> {
    const taken = await obtain(request, workspace)
    const { claude, sessionId } = taken
    // Its requests count for this run, whatever it did before.
    const meter = (await options.nameRun(taken.meter, runId)) ? runId : taken.meter
    options.sessions.remember(workspace, sessionId)
    await client.emit(JSON.stringify({ kind: 'started', sessionId, warm: taken.warm, meter }))
    const life = lifeOf(request)
    const { ended, kept, totals } = await runPrompt({
      claude,
      input: taken.input + promptLine(request.prompt),
      emit: client.emit,
      stop,
      before: taken.totals,
      keep: life !== null && !stopping && options.pool.hasRoom(),
    })
    if (kept && life !== null) {
      const { files, meter } = taken
      const purpose = { kind: 'kept' as const, life }
      options.pool.put({ claude, workspace, meter, sessionId, totals, files, purpose })
    }
    if (request.session.kind === 'fresh' && ended.outcome === 'completed') {
      const profile = { tools: request.tools }
      quietTime.later(workspace.key, () => startFresh(workspace, profile))
    }
    await tidy(
      workspace,
      options.pool.has(workspace, () => true),
    )
    return ended
  }

  /** The process for a request: one that waits for it, or a new one. */
  async function obtain(request: RunRequest, workspace: Workspace): Promise<Taken> {
    const id = sessionToResume(request, workspace)
    const files = startFiles(workspace)
    const standing = readStandingPrompt(options.standingPrompt)
    if (id === null) {
      const fresh = options.pool.take(
        workspace,
        ({ purpose, files: then }) =>
          purpose.kind === 'fresh' && then === files && fitsFresh(purpose.profile, request),
      )
      // Whatever it was started with is said again: that changes nothing.
      if (fresh) {
        return {
          ...fresh,
          warm: true,
          input: initializeLine(request, standing) + settingLines(request),
        }
      }
    } else {
      const life = lifeOf(request)
      const kept = options.pool.take(
        workspace,
        ({ purpose, files: then, sessionId }) =>
          purpose.kind === 'kept' && sessionId === id && then === files && purpose.life === life,
      )
      if (kept) return { ...kept, warm: true, input: '' }
      // Two processes would write one transcript.
      await options.pool.drop(warm => warm.sessionId === id)
    }
    const transcript = id === null ? null : findTranscript(workspace, id)
    const session =
      id === null ? { kind: 'fresh' as const, id: randomUUID() } : { kind: 'resume' as const, id }
    const meter = newMeter()
    return {
      claude: launch(workspace, { ...request, session }, meter),
      meter,
      sessionId: session.id,
      files,
      totals: transcript === null ? noTotals : totalsOf(transcript),
      warm: false,
      input: initializeLine(request, standing),
    }
  }

  function sessionToResume({ session }: RunRequest, workspace: Workspace): string | null {
    switch (session.kind) {
      case 'resume':
        return session.id
      case 'fresh':
        return null
      case 'continue': {
        const last = options.sessions.last(workspace)
        return last !== null && canResume(workspace, last) ? last : null
      }
      default:
        return session satisfies never
    }
  }

  /** A process that waits may not have written its transcript yet. */
  function canResume(workspace: Workspace, id: string) {
    const isKept = ({ purpose, sessionId }: Warm) => purpose.kind === 'kept' && sessionId === id
    return options.pool.has(workspace, isKept) || hasTranscript(workspace, id)
  }

  /** Has a process ready for the next run that begins a session. */
  async function startFresh(workspace: Workspace, profile: LaunchProfile): Promise<boolean> {
    if (stopping || !options.pool.hasRoom()) return false
    const files = startFiles(workspace)
    const isReady = ({ purpose, files: then }: Warm) =>
      purpose.kind === 'fresh' &&
      then === files &&
      JSON.stringify(purpose.profile) === JSON.stringify(profile)
    if (options.pool.has(workspace, isReady)) return true
    const session = { kind: 'fresh' as const, id: randomUUID() }
    const meter = newMeter()
    const claude = launch(workspace, { ...profile, session }, meter)
    options.pool.put({
      claude,
      workspace,
      meter,
      sessionId: session.id,
      totals: noTotals,
      files,
      purpose: { kind: 'fresh', profile },
    })
    return true
  }

  function launch(workspace: Workspace, how: LaunchOptions, meter: string): ClaudeProcess {
    prepare(workspace)
    const { programs, surroundings, env } = options
    return startClaude({
      file: programs.supervise,
      args: [
        ...(surroundings ? confineCommand(workspace, surroundings) : []),
        programs.claude,
        ...claudeArguments(how),
      ],
      cwd: workspace.path,
      env: claudeEnvironment(env, workspace, meter),
      orphans: options.orphans,
    })
  }

  function prepare(workspace: Workspace) {
    mkdirSync(workspace.home, { recursive: true, mode: 0o700 })
    makeTemporary(workspace.temporary)
    if (seeded.has(workspace.key)) return
    answerFirstRun(`${workspace.home}/.claude`, workspace.path, options.env.ANTHROPIC_API_KEY)
    seeded.add(workspace.key)
  }

  return {
    run,
    /** When it returns nothing of the run is left. False where there is no such run. */
    async cancel(runId: string): Promise<boolean> {
      // A client knows its run a moment before it has its lease.
      await arriving.get(runId)?.catch(() => {})
      const found = [...active.values()].find(run => run.runId === runId)
      if (!found) return false
      found.stop('cancelled')
      await found.done
      return true
    },
    /** False where there is no room for a process that waits. */
    async warm(path: string, profile: LaunchProfile) {
      return startFresh(await findWorkspace(path, options.places), profile)
    },
    status: () => ({
      runs: [...active.values()].map(({ runId, workspace, startedAt }) => ({
        runId,
        workspace,
        startedAt,
      })),
      warm: options.pool.list(),
      landlock: options.surroundings !== null,
    }),
    async close() {
      stopping = true
      quietTime.close()
      for (const run of active.values()) run.stop('cancelled')
      await Promise.all([...active.values()].map(({ done }) => done))
      await options.pool.close()
    },
  }
}
export type Runner = ReturnType<typeof createRunner>

/** Where runs have all of /tmp one can put anything there, and must not keep the next one from its folder. */
function makeTemporary(folder: string) {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() === false) {
    rmSync(folder, { force: true })
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 })
}

function failed(error: unknown): RunnerEvent {
  return {
    kind: 'ended',
    outcome: 'failed',
    exitCode: null,
    signal: null,
    error: messageOf(error),
    swept: 0,
  }
}
