import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { messageOf, UserError } from '../errors.ts'
import type { RunnerEvent, RunnerRequest } from '../run/runner-protocol.ts'
import { claudeArguments, claudeEnvironment, type LaunchOptions } from './claude-command.ts'
import { type ClaudeProcess, startClaude } from './claude-process.ts'
import { confineCommand, type Surroundings } from './confine.ts'
import { noTotals } from './cost.ts'
import { createDeferred } from './deferred.ts'
import { answerFirstRun } from './home.ts'
import { runPrompt, type StopReason } from './run.ts'
import { hasTranscript, type Sessions } from './sessions.ts'
import { initializeLine, promptLine } from './stdin-messages.ts'
import { findWorkspace, type Places, type Workspace } from './workspace.ts'

type Refusal = Extract<RunnerEvent, { kind: 'refused' }>['reason']

/** Who asked for a run, and reads its events. */
export type Client = {
  emit: (line: string) => Promise<void>
  /** From now on events that the reader does not take are dropped. */
  hurry: () => void
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
}

type Active = {
  runId: string
  workspace: string
  startedAt: string
  stop: (reason: StopReason) => void
  done: Promise<void>
}

/** All runs of this container: at most one in a workspace, which is free when nothing of it is left. */
export function createRunner(options: RunnerOptions) {
  const active = new Map<string, Active>()
  const seeded = new Set<string>()
  let stopping = false

  async function run(request: RunnerRequest, client: Client): Promise<void> {
    const refuse = (reason: Refusal, message: string) =>
      client.emit(JSON.stringify({ kind: 'refused', reason, message }))
    if (stopping) return refuse('stopping', 'the worker is stopping')
    let workspace: Workspace
    try {
      workspace = await findWorkspace(request.workspace, options.places)
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      return refuse('workspace', error.message)
    }
    const holder = active.get(workspace.path)
    if (holder) return refuse('busy', `workspace busy: run ${holder.runId} is under way`)
    if (active.size >= options.runs) {
      return refuse('capacity', `${options.runs} runs are under way already`)
    }
    const { session } = request.request
    if (session.kind === 'resume' && !hasTranscript(workspace, session.id)) {
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
    }
    await client.emit(JSON.stringify(last))
  }

  async function serve(
    { request }: RunnerRequest,
    workspace: Workspace,
    client: Client,
    stop: Promise<StopReason>,
  ): Promise<RunnerEvent> {
    const { session: asked, ...rest } = request
    const id =
      asked.kind === 'resume'
        ? asked.id
        : asked.kind === 'continue'
          ? options.sessions.last(workspace)
          : null
    const session = id
      ? { kind: 'resume' as const, id }
      : { kind: 'fresh' as const, id: randomUUID() }
    const meter = randomBytes(8).toString('hex')
    const claude = launch(workspace, { ...rest, session }, meter)
    options.sessions.remember(workspace, session.id)
    await client.emit(
      JSON.stringify({ kind: 'started', sessionId: session.id, warm: false, meter }),
    )
    const { ended } = await runPrompt({
      claude,
      input: initializeLine(request) + promptLine(request.prompt),
      emit: client.emit,
      stop,
      before: noTotals,
      keep: false,
    })
    return ended
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
    })
  }

  function prepare(workspace: Workspace) {
    mkdirSync(workspace.home, { recursive: true, mode: 0o700 })
    mkdirSync(workspace.temporary, { recursive: true, mode: 0o700 })
    if (seeded.has(workspace.key)) return
    answerFirstRun(`${workspace.home}/.claude`, workspace.path, options.env.ANTHROPIC_API_KEY)
    seeded.add(workspace.key)
  }

  return {
    run,
    /** When it returns nothing of the run is left. False where there is no such run. */
    async cancel(runId: string): Promise<boolean> {
      const found = [...active.values()].find(run => run.runId === runId)
      if (!found) return false
      found.stop('cancelled')
      await found.done
      return true
    },
    status: () => ({
      runs: [...active.values()].map(({ runId, workspace, startedAt }) => ({
        runId,
        workspace,
        startedAt,
      })),
      warm: [] as { workspace: string }[],
      landlock: options.surroundings !== null,
    }),
    async close() {
      stopping = true
      for (const run of active.values()) run.stop('cancelled')
      await Promise.all([...active.values()].map(({ done }) => done))
    },
  }
}
export type Runner = ReturnType<typeof createRunner>

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
