import type { FastifyInstance } from 'fastify'
import type { Access } from '../../tenants/tokens.ts'
import type { RunRoutes } from '../api/run.ts'
import { speaksAnthropic } from '../messages/anthropic-error.ts'
import { modelInfoNamed, modelPage } from '../messages/models.ts'
import { serveMessages } from '../messages/routes.ts'
import { callerOf } from '../plugins/auth.ts'
import { createKeptResponses } from '../responses/kept-responses.ts'
import { serveResponses } from '../responses/routes.ts'
import type { ChatRoutes } from './answer-request.ts'
import { createCalls } from './calls.ts'
import { serveChat } from './chat-completions.ts'
import { createChatSessions } from './chat-sessions.ts'
import { createKeptPlaces } from './kept-places.ts'
import { modelNamed, modelObjects } from './models.ts'
import { createPausedRuns } from './paused-runs.ts'
import { createScratch } from './scratch.ts'

/** Where clients look for the API: below the address that they were given, with or without `/openai`. */
const prefixes = ['/openai/v1', '/v1'] as const

/** The routes of OpenAI's API, and of Anthropic's. Each completion, response and message is a run. */
export function serveOpenAi(
  app: FastifyInstance,
  routes: RunRoutes &
    Pick<ChatRoutes, 'log' | 'now' | 'sideCalls' | 'sideUsage' | 'images'> & {
      access: Access
      resultHours: number
    },
) {
  const { access, limits } = routes
  const parts = {
    ...routes,
    calls: createCalls(limits),
    paused: createPausedRuns(limits),
    scratch: createScratch(routes.workspacesFolder),
    places: createKeptPlaces({
      ...routes,
      tenants: () => access.tenants().map(({ name }) => name),
      isRunning: routes.starter.isRunning,
    }),
    sessions: createChatSessions(),
    kept: createKeptResponses({
      ...{ now: routes.now, hours: routes.resultHours },
      tenants: () => access.tenants().length,
    }),
  }
  const timers = [
    setInterval(() => {
      parts.kept.forgetOld(access.isInForce)
      parts.paused.endRevoked(access.isInForce)
    }, limits.revokedMilliseconds),
    setInterval(() => parts.places.prune(), limits.pruneMilliseconds),
  ]
  for (const timer of timers) timer.unref()
  app.addHook('onClose', async () => {
    for (const timer of timers) clearInterval(timer)
  })
  const config = { modes: ['openai'] as const }
  for (const prefix of prefixes) {
    app.get(`${prefix}/models`, { config }, async request => {
      const { token } = callerOf(request)
      if (speaksAnthropic(request.raw)) return modelPage(token)
      return { object: 'list', data: modelObjects(token) }
    })
    // The name of a model may have a slash.
    app.get(`${prefix}/models/*`, { config }, async request => {
      const asked = request.raw.url?.slice(`${prefix}/models/`.length).split('?', 1)[0] ?? ''
      const named = speaksAnthropic(request.raw) ? modelInfoNamed : modelNamed
      return named(decoded(asked), callerOf(request).token)
    })
    serveChat(app, prefix, parts)
    serveResponses(app, prefix, parts)
    serveMessages(app, prefix, parts)
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
