import type { RunEvent } from '../../run/result.ts'
import { begun } from '../api/run.ts'
import { HttpError } from '../http-error.ts'
import type { ServerLimits } from '../limits.ts'
import { sessionNotFound } from '../refusals.ts'
import type { RunStart, RunStarter, StartedRun } from '../run-starter.ts'
import type { Caller } from '../tokens.ts'
import { findWorkspace } from '../workspace.ts'
import type { ChatHeaders } from './chat-headers.ts'
import type { ChatSessions } from './chat-sessions.ts'
import type { Conversation } from './conversation.ts'
import type { ScratchPlaces } from './scratch.ts'

export type ChatParts = {
  starter: RunStarter
  limits: ServerLimits
  workspacesFolder: string
  scratch: ScratchPlaces
  sessions: ChatSessions
}

/** A request for one answer, whichever protocol brought it. */
export type ChatRequest = {
  caller: Caller
  headers: ChatHeaders
  conversation: Conversation
  /** Digest of the request, which tells a repetition from another one with the same key. */
  digest: string
  options: Pick<RunStart['request'], 'model' | 'effort' | 'jsonSchema'>
  onEvent: (event: RunEvent) => Promise<void>
}

export type ChatRun = {
  run: StartedRun
  /** Remembers the session for the next message of the conversation. */
  remember: (answer: string, sessionId: string | null) => void
}

type Place = { workspace: string; isChat: boolean; wait: boolean; release: () => Promise<void> }

/** Starts the run of a request in its workspace: the named one, that of its chat, or one of its own. */
export async function startChatRun(parts: ChatParts, request: ChatRequest): Promise<ChatRun> {
  const { starter, limits, sessions } = parts
  const { caller, headers, conversation, digest, options, onEvent } = request
  const { past, pastWith, systemPrompt, whole, latest } = conversation
  const place = await placeOf(parts, request)
  const { workspace, wait } = place
  const { appendSystemPrompt, idempotencyKey } = headers

  const start = async (how: Pick<RunStart['request'], 'prompt' | 'session'>) =>
    starter.start({
      ...{ caller, workspace, wait, surface: 'openai', onEvent },
      request: {
        ...{ ...options, ...how },
        ...(systemPrompt !== undefined && { systemPrompt }),
        ...(appendSystemPrompt !== null && { appendSystemPrompt }),
      },
      ...(idempotencyKey !== null && { idempotencyKey, requestDigest: digest }),
    })

  const id = place.isChat ? sessions.find(caller, workspace, past) : null
  try {
    const run = await (headers.continues
      ? start({ prompt: latest, session: { kind: 'continue' } })
      : (id !== null && (await resumed(id))) ||
        start({ prompt: whole, session: { kind: 'fresh' } }))
    run.result.then(place.release, place.release)
    const remember = (answer: string, sessionId: string | null) => {
      if (place.isChat && sessionId !== null) {
        sessions.remember(caller, workspace, pastWith(answer), sessionId)
      }
    }
    return { run, remember }
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
  { workspacesFolder, scratch }: ChatParts,
  { caller, headers }: ChatRequest,
): Promise<Place> {
  const kept = { release: async () => {} }
  if (headers.workspace !== null) {
    const workspace = await findWorkspace(headers.workspace, caller, workspacesFolder)
    return { workspace, isChat: false, wait: false, ...kept }
  }
  if (headers.chatId !== null) {
    // The next message of a chat waits for the last one, which may be ending.
    const workspace = await scratch.ofChat(caller, headers.chatId)
    return { workspace, isChat: true, wait: true, ...kept }
  }
  return { ...(await scratch.take(caller, 'scratch')), isChat: false, wait: false }
}
