import { randomUUID } from 'node:crypto'
import { messageOf } from '../base/errors.ts'
import { promptText } from '../run/request.ts'
import type { RunnerEvent, RunnerRequest } from '../run/runner-protocol.ts'
import { type AdmittedRun, createAdmission, isExhausted } from './admission.ts'
import {
  createLaunch,
  createShellLaunch,
  type LaunchProfile,
  type LaunchSettings,
  launchKey,
} from './claude/launch.ts'
import { promptLine } from './claude/process.ts'
import { repairHome } from './claude/repair.ts'
import type { Sessions } from './claude/sessions.ts'
import { checkDescriptors } from './ending/descriptor-check.ts'
import { forceEnd } from './ending/ladder.ts'
import { removeSharedMemory } from './ending/shared-memory.ts'
import { tidy } from './ending/tidy.ts'
import type { HasMoved } from './pool/gateway-moves.ts'
import { createOpenings } from './pool/openings.ts'
import type { Pool } from './pool/pool.ts'
import { createProcessSource, type Obtained } from './pool/process-source.ts'
import { createRefill } from './pool/refill.ts'
import type { AnnounceRun } from './turn/announce-run.ts'
import { runShell } from './turn/shell.ts'
import { type InterruptLimits, runTurn } from './turn/turn.ts'
import { findWorkspace, type Places } from './workspace.ts'

/** The caller of a run, who reads its events. */
export type Client = {
  emit: (line: string) => Promise<void>
  /** Stops waiting for the reader: later events that it does not take are dropped. */
  stopWaiting: () => void
  /** Reports that the run was admitted: after this call it can be cancelled by its id. */
  admitted: () => void
  gone: AbortSignal
}

export type RunnerOptions = LaunchSettings & {
  places: Places
  /** Maximum runs at once. */
  runs: number
  /** Whether runs of several workspaces are kept apart, and so may share this container. */
  keepsApart: boolean
  sessions: Sessions
  pool: Pool
  /** File with the user's text for every run's system prompt. */
  standingPrompt: string
  /** Opens the way to the runner, which a run can close. Called during a run, and when nothing of it is left. */
  openAccess: () => void
  announceRun: AnnounceRun
  hasGatewayMoved: HasMoved
  /** Overridden by tests, which share the machine. */
  interruptLimits?: InterruptLimits
}

const reopenMilliseconds = 1_000

/** Serves all runs of this container, at most one per workspace. A workspace is free when nothing of its run is left. */
export function createRunner(options: RunnerOptions) {
  const { pool, sessions } = options
  const launch = createLaunch(options)
  const launchShell = createShellLaunch(options)
  const source = createProcessSource({ ...options, launch })
  const admission = createAdmission({ ...options, repair: repairHome, canResume: source.canResume })
  const refill = createRefill({ launch, repair: repairHome, pool, isQuiet: admission.isQuiet })
  const openings = createOpenings()
  let stopping = false

  async function run(request: RunnerRequest, client: Client): Promise<void> {
    const admitted = await admission.admit(request).catch((error: unknown) => {
      throw giveUpIfExhausted(error)
    })
    if ('kind' in admitted) return client.emit(JSON.stringify(admitted))
    void admitted.stopped.then(client.stopWaiting)
    client.admitted()
    const { timeoutSeconds } = request.request
    const deadline = setTimeout(() => admitted.stop('timed-out'), timeoutSeconds * 1_000)
    const leave = () => admitted.stop('cancelled')
    client.gone.addEventListener('abort', leave)
    if (client.gone.aborted) leave()
    const endCheck = checkDescriptors(options.giveUp)
    // A client that may not write in the socket's folder cannot open what the run closes.
    const reopening = setInterval(openAccess, reopenMilliseconds)
    let last: RunnerEvent
    try {
      last = await serve(request, admitted, client)
    } catch (error) {
      last = failed(giveUpIfExhausted(error))
    } finally {
      endCheck()
      clearInterval(reopening)
      clearTimeout(deadline)
      client.gone.removeEventListener('abort', leave)
      openAccess()
      admitted.release()
      refill.look()
    }
    await client.emit(JSON.stringify(last))
  }

  /** Returns the error, unless it ends the runner. */
  function giveUpIfExhausted(error: unknown) {
    if (isExhausted(error)) return options.giveUp(error)
    return error
  }

  /** A runner that no client reaches cannot cancel a run. */
  function openAccess() {
    try {
      options.openAccess()
    } catch (error) {
      options.giveUp(error)
    }
  }

  /** Ends the processes that would ask the gateway at an address that it had before. */
  async function dropMisled() {
    if (await options.hasGatewayMoved()) await pool.drop(() => true)
  }

  async function serve(
    { request, runId, asks, questionSeconds }: RunnerRequest,
    admitted: AdmittedRun,
    client: Client,
  ): Promise<RunnerEvent> {
    if (request.shell) return serveShell(promptText(request.prompt), admitted, client)
    await dropMisled()
    const obtained = await source.obtain(request, admitted.workspace, asks)
    try {
      return await serveWith(obtained, { request, runId, asks, questionSeconds }, admitted, client)
    } catch (error) {
      // The workspace becomes free: nothing of the run may be left after any failure.
      await forceEnd(obtained.claude)
      throw error
    }
  }

  async function serveShell(
    command: string,
    { workspace, stopped }: AdmittedRun,
    { emit }: Client,
  ): Promise<RunnerEvent> {
    const { claude: bash, meter } = launchShell(workspace)
    try {
      await emit(JSON.stringify({ kind: 'started', sessionId: randomUUID(), warm: false, meter }))
      return await runShell({ bash, command, emit, stop: stopped })
    } catch (error) {
      await forceEnd(bash)
      throw error
    } finally {
      await tidy(
        workspace,
        pool.has(workspace, () => true),
      )
    }
  }

  async function serveWith(
    obtained: Obtained,
    { request, runId, asks, questionSeconds }: Omit<RunnerRequest, 'version' | 'workspace'>,
    { workspace, stopped, onAnswerable }: AdmittedRun,
    client: Client,
  ): Promise<RunnerEvent> {
    const { claude, sessionId, meter, files } = obtained
    // claude applies it while the gateway learns the run's name, and sends no request before the prompt.
    if (obtained.input) claude.write(obtained.input)
    const naming = options.announceRun(meter, runId)
    // Written while the gateway answers, as the prompt waits for that answer anyway.
    sessions.remember(workspace, sessionId)
    const named = (await naming) ? runId : meter
    const { warm } = obtained
    await client.emit(JSON.stringify({ kind: 'started', sessionId, warm, meter: named }))
    const { ended, kept, totals } = await runTurn({
      claude,
      input: promptLine(request.prompt),
      emit: client.emit,
      stop: stopped,
      before: obtained.totals,
      // After the prompt: reading the container's memory and hashing the request take time.
      mayKeep: () => launchKey(request, asks) !== null && !stopping && pool.hasRoom(),
      asks,
      questionSeconds,
      clientTools: request.clientTools ?? [],
      interruptLimits: options.interruptLimits,
      onAnswerable,
    })
    const life = kept ? launchKey(request, asks) : null
    if (life !== null) {
      const purpose = { kind: 'kept' as const, life }
      pool.put({ claude, workspace, meter, sessionId, totals, files, purpose })
    }
    if (request.session.kind === 'fresh' && ended.outcome === 'completed') {
      const opening = openings.note(workspace.key, obtained.opening)
      refill.later(workspace, { tools: request.tools, ...(asks && { asks }) }, opening)
    }
    // A server of the user may use it between runs.
    if (options.orphans && !options.hasServers && admission.list().length === 1)
      await removeSharedMemory()
    await tidy(
      workspace,
      pool.has(workspace, () => true),
    )
    return ended
  }

  return {
    run,
    /** Returns when nothing of the run is left; false when there is no such run. */
    cancel: admission.cancel,
    /** Answers a run's open question. Returns false when there is no such run or question. */
    answer: admission.answer,
    /** Gives a run the result of a call. Returns false when there is no such run. */
    deliver: admission.deliver,
    /** Starts a process for a later run. Returns false when the pool has no room. */
    async warm(path: string, profile: LaunchProfile) {
      if (!options.keepsApart) return false
      await dropMisled()
      return refill.now(await findWorkspace(path, options.places), profile)
    },
    status: () => ({
      runs: admission.list(),
      warm: pool.list(),
      landlock: options.confinement !== null,
    }),
    async close() {
      stopping = true
      refill.close()
      await admission.close()
      await pool.close()
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
