import type { ToolResult } from '../../run/client-tools.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { sessionNotFound } from '../../tenants/refusals.ts'
import type { Queue, RunStart, RunStarter, StartedRun } from '../../tenants/run-starter.ts'
import type { Caller } from '../../tenants/tokens.ts'
import { findWorkspace } from '../../tenants/workspace.ts'
import { begun } from '../api/run.ts'
import type { ServerLimits } from '../limits.ts'
import type { ChatHeaders } from './chat-headers.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { Conversation } from './conversation.ts'
import type { KeptPlaces, PlaceKey } from './kept-places.ts'
import { createLegs, type Outcome, type TakePiece } from './legs.ts'
import type { ScratchPlaces } from './scratch.ts'
import { sideSystemPrompt } from './side-call.ts'
import type { SideUsage } from './side-usage.ts'

export type ChatParts = {
  starter: RunStarter
  limits: ServerLimits
  workspacesFolder: string
  scratch: ScratchPlaces
  places: KeptPlaces
  sessions: ChatSessions
  sideUsage: SideUsage
}

/** A request for one answer, whichever protocol brought it. */
export type ChatRequest = {
  caller: Caller
  headers: ChatHeaders
  conversation: Conversation
  /** Digest of the request, which tells a repetition from another one with the same key. */
  digest: string
  options: Pick<RunStart['request'], 'model' | 'effort' | 'jsonSchema' | 'clientTools'>
  /** For the end of the system prompt, before what the client's header adds. */
  instruction: string | null
  queue: Queue
  /** The name of the user in the body, which keeps a conversation without an id together; null for none. */
  user: string | null
  /** A small call beside a chat: without tools, and outside of the chat's workspace. */
  isSide: boolean
}

export type ChatRun = {
  run: StartedRun
  /** Passes on what comes next, until the run has ended or waits for results. */
  next: (take: TakePiece) => Promise<Outcome>
  /** Gives the run the results of its calls. */
  deliver: (results: readonly ToolResult[]) => void
  /** Remembers the session for the next message of the conversation. */
  remember: (asked: Conversation, answer: string, sessionId: string | null) => void
}

/** Counts side calls apart, in the metrics and in the records of runs. */
const sideSurface = 'openai-side'

const sideSeconds = 120

const none = () => {}

/** Returns the options of a call that needs no tools: the smallest model that the token may use. */
function sideOptions({ caller: { token }, options }: ChatRequest) {
  const isAllowed = token.models?.includes('haiku') ?? true
  const model = isAllowed ? { model: 'haiku' } : {}
  return { ...options, ...model, tools: [], timeoutSeconds: sideSeconds }
}

type Place = { workspace: string; isChat: boolean; wait: boolean; release: () => Promise<void> }

/** Starts the run of a request in its workspace: the named one, that of its chat, or one of its own. */
export async function startChatRun(parts: ChatParts, request: ChatRequest): Promise<ChatRun> {
  const { starter, limits, sessions, sideUsage } = parts
  const { caller, headers, conversation, digest, isSide, instruction, queue } = request
  const { past, whole, latest } = conversation
  const options = isSide ? sideOptions(request) : request.options
  const systemPrompt = conversation.systemPrompt ?? (isSide ? sideSystemPrompt : undefined)
  const place = await placeOf(parts, request)
  const { workspace, wait } = place
  const { idempotencyKey } = headers
  const appended = [instruction, headers.appendSystemPrompt].filter(Boolean).join('\n\n')
  const { onEvent, onConnected, next, deliver } = createLegs()

  // A client that waits was told the id of the run: a second attempt has it too.
  let runId: string | undefined
  const onWait = (id: string) => {
    runId = id
    queue.onWait?.(id)
  }
  const surface = isSide ? sideSurface : 'openai'

  const start = async (how: Pick<RunStart['request'], 'prompt' | 'session'>) =>
    starter.start({
      ...{ caller, workspace, wait, surface, onEvent, onConnected },
      queue: { ...queue, onWait },
      ...(runId !== undefined && { runId }),
      request: {
        ...{ ...options, ...how },
        ...(systemPrompt !== undefined && { systemPrompt }),
        ...(appended !== '' && { appendSystemPrompt: appended }),
      },
      ...(idempotencyKey !== null && { idempotencyKey, requestDigest: digest }),
    })

  const id = place.isChat ? sessions.find(caller, workspace, past) : null
  try {
    const run = await (headers.continues && !isSide
      ? start({ prompt: latest, session: { kind: 'continue' } })
      : (id !== null && (await resumed(id))) ||
        start({ prompt: whole, session: { kind: 'fresh' } }))
    run.result.then(place.release, place.release)
    if (isSide) run.result.then(({ costUsd }) => sideUsage.add(caller.token.name, costUsd), none)
    const remember: ChatRun['remember'] = (asked, answer, sessionId) => {
      if (!place.isChat || sessionId === null) return
      sessions.remember(caller, workspace, asked.pastWith(answer), sessionId)
    }
    return { run, remember, next: take => next(run, take), deliver }
  } catch (error) {
    await place.release()
    throw error
  }

  /** Returns null when the worker no longer has the session. */
  async function resumed(id: string): Promise<StartedRun | null> {
    try {
      const run = await start({ prompt: latest, session: { kind: 'resume', id } })
      await begun(run, limits.startMilliseconds)
      return run
    } catch (error) {
      if (!(error instanceof HttpError) || error.message !== sessionNotFound) throw error
      sessions.forget(caller, workspace, past)
      return null
    }
  }
}

async function placeOf(
  { workspacesFolder, scratch, places, sessions }: ChatParts,
  { caller, headers, conversation, user, isSide }: ChatRequest,
): Promise<Place> {
  // The next message of a conversation waits for the last one, which may be ending.
  const kept = async (place: PlaceKey) => ({
    ...(await places.take(caller, place)),
    ...{ isChat: true, wait: true },
  })
  if (isSide) return { ...(await scratch.take(caller, 'side')), isChat: false, wait: false }
  if (headers.workspace !== null) {
    const workspace = await findWorkspace(headers.workspace, caller, workspacesFolder)
    return { workspace, isChat: false, wait: false, release: async () => {} }
  }
  if (headers.chatId !== null) return kept({ kind: 'chat', id: headers.chatId })
  if (user !== null) {
    const place = { kind: 'user', id: user } as const
    const workspace = places.workspaceOf(caller, place)
    // Another conversation of the same user does not wait: it has an empty workspace meanwhile.
    const goesOn = sessions.find(caller, workspace, conversation.past) !== null
    if (goesOn || !places.isUsed(caller, workspace)) return kept(place)
  }
  return { ...(await scratch.take(caller, 'scratch')), isChat: false, wait: false }
}
