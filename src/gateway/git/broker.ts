import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { renderCommands } from '../../base/command.ts'
import { messageOf } from '../../base/errors.ts'
import { ApiError } from '../api-error.ts'
import type { Exchange, GatewayLog } from '../gateway-log.ts'
import { ByteMeter, TooManyBytes } from '../http/limits.ts'
import { explainFailure, type Upstream } from '../http/upstream.ts'
import { authorizationFor, type GitAccess } from './access.ts'
import { passAnswer, sendRefusal } from './answer.ts'
import { hostHeaders, judgeForm } from './caller-headers.ts'
import { type GitTarget, listedRepository } from './git-target.ts'
import { offeredRefs } from './offered-refs.ts'
import type { OwnBranches } from './own-branches.ts'
import { type PackLimits, PackTooLarge } from './pack.ts'
import { MalformedPacket } from './pkt-line.ts'
import { type AdmittedPush, admitPush } from './push.ts'
import { RefusedPush } from './push-commands.ts'
import { createReportReader, renderError, renderRefusal } from './report.ts'
import { refusedAnswer } from './upstream-answer.ts'

export interface GitBrokerOptions {
  /** Returns the way to a host of listed repositories. */
  upstreamOf: (host: string) => Upstream
  branches: OwnBranches
  pack: PackLimits
  /** The most bytes of a fetch's request: the commits that the caller has and wants. */
  fetchBytes: number
  log: GatewayLog
  /** Renders the marked commands of messages as the user types them. */
  named?: (text: string) => string
}

/** One request of git, from a caller that the gateway serves. */
export interface GitExchange {
  request: IncomingMessage
  response: ServerResponse
  target: GitTarget
  access: GitAccess
  exchange: Exchange
}

export type GitBroker = ReturnType<typeof createGitBroker>

/** The caller chooses a part of the reason that is logged. */
const reasonCharacters = 300

/** Why a request does not pass. */
class RefusedGit extends Error {}

/**
 * Passes git's requests for listed repositories on to their hosts, with the user's token, which the
 * caller never has. Pushes change branches below `claude/` alone. Refusals are answers that git shows.
 */
export function createGitBroker(options: GitBrokerOptions) {
  const { upstreamOf, branches, pack, fetchBytes, log } = options
  const named = options.named ?? (text => renderCommands(text, words => `./claude.ts ${words}`))
  const upstreams = new Map<string, Upstream>()

  function upstreamTo(host: string): Upstream {
    const upstream = upstreams.get(host) ?? upstreamOf(host)
    upstreams.set(host, upstream)
    return upstream
  }

  /** Sends a request to the host, and returns the body of an answer that may pass. */
  async function ask(
    { request, target, access }: GitExchange,
    signal: AbortSignal,
    body?: Readable,
  ) {
    const [host = ''] = target.repository.split('/')
    const upstream = upstreamTo(host)
    const headers = {
      ...hostHeaders(request.rawHeaders, target),
      ...authorizationFor(access, host),
    }
    const given = { path: target.upstream, headers, signal }
    const sent = body ? upstream.post({ ...given, body }) : upstream.get(given)
    const answer = await sent.catch(async (error: unknown) => {
      // The body's own error says more than that of the connection that it broke.
      throw body?.errored ?? (await explainFailure(error, upstream))
    })
    const refused = refusedAnswer(target, answer.statusCode, answer.headers['content-type'])
    if (refused === null) return explained(answer.body, upstream)
    answer.body.on('error', () => {}).destroy()
    throw new RefusedGit(refused)
  }

  async function pass(given: GitExchange, signal: AbortSignal): Promise<void> {
    const { request, target, exchange } = given
    const pushes = target.service === 'git-receive-pack'
    if (target.step === 'refs') {
      const body = await ask(given, signal)
      return passAnswer(given, pushes ? offeredRefs(body) : body)
    }
    // A push has its own limit, behind the list of refs that its refusal names.
    const received = new ByteMeter(pushes ? {} : { limit: fetchBytes })
    exchange.request = received
    // Not `pipeline`, which would destroy the connection of the answer that states the reason.
    request.pipe(received)
    request.once('error', error => received.destroy(error))
    // Those who read it learn of its failure; with no reader left it must not end the gateway.
    received.on('error', () => {})
    try {
      if (!pushes) return await passAnswer(given, await ask(given, signal, received))
      await passPush(given, signal, received)
    } finally {
      request.unpipe(received)
      received.destroy()
    }
  }

  async function passPush(given: GitExchange, signal: AbortSignal, received: Readable) {
    const isOurs = await branches.of(given.target.repository)
    const push = await admitPush(received, { isOurs, limits: pack })
    if (push === null) return passAnswer(given, (async function* () {})())
    const body = Readable.from(push.body, { objectMode: false }).on('error', () => {})
    try {
      await passAnswer(given, accepted(push, await ask(given, signal, body), given.target))
    } catch (error) {
      // git asked about refs, and shows the reason beside each.
      throw new RefusedPush(reasonOf(error), push.request)
    }
  }

  /** Remembers the branches that the host took, before the caller sees that it did. */
  async function* accepted(
    { request }: AdmittedPush,
    body: AsyncIterable<Buffer>,
    { repository }: GitTarget,
  ) {
    const report = createReportReader(request)
    for await (const chunk of body) {
      report.write(chunk)
      yield chunk
    }
    await branches.add(repository, report.accepted())
  }

  return {
    /** Answers a request, with a refusal if it does not pass. */
    async serve(given: GitExchange): Promise<void> {
      const { request, response, target, exchange } = given
      const abort = new AbortController()
      const clientGone = () => {
        if (response.writableFinished) return
        exchange.broken ??= 'client-gone'
        abort.abort()
      }
      response.once('close', clientGone)
      try {
        refuseUnlisted(given)
        await pass(given, abort.signal)
      } catch (error) {
        if (exchange.broken || response.headersSent) return void response.destroy()
        if (isUnexpected(error)) log({ kind: 'error', message: messageOf(error) })
        exchange.refused = named(reasonOf(error)).slice(0, reasonCharacters)
        sendRefusal(
          response,
          target,
          error instanceof RefusedPush
            ? renderRefusal(error.push, command => named(error.reasonOf(command)))
            : renderError(exchange.refused),
        )
      } finally {
        response.off('close', clientGone)
        // Discard the rest: the caller sends all of it before it reads the answer.
        request.resume()
      }
    },
    async close(): Promise<void> {
      await Promise.all([...upstreams.values()].map(upstream => upstream.close()))
    },
  }
}

/** Gives the failure of a body that breaks its reason and the next step. */
async function* explained(
  body: AsyncIterable<Buffer>,
  upstream: Pick<Upstream, 'origin' | 'proxy'>,
): AsyncGenerator<Buffer> {
  try {
    yield* body
  } catch (error) {
    throw await explainFailure(error, upstream)
  }
}

function refuseUnlisted({ request, target, access, exchange }: GitExchange) {
  const listed = listedRepository(access, target)
  if (!listed) throw new RefusedGit(`${target.repository} is not in GIT_REPOSITORIES`)
  exchange.repository = target.repository
  if (target.service === 'git-receive-pack' && !listed.push) {
    throw new RefusedGit(`${target.repository} can only be fetched from (:ro in GIT_REPOSITORIES)`)
  }
  const reason = judgeForm(request.rawHeaders, target)
  if (reason !== null) throw new RefusedGit(reason)
}

/** Returns what a failure says to the caller. An unexpected one stays on the host. */
function reasonOf(error: unknown): string {
  if (isUnexpected(error)) return 'internal error of the gateway'
  if (error instanceof TooManyBytes) return 'the request is too large'
  return messageOf(error).replace(/^claude-secure: /, '')
}

const expected = [RefusedGit, RefusedPush, PackTooLarge, TooManyBytes, MalformedPacket, ApiError]

function isUnexpected(error: unknown): boolean {
  return !expected.some(kind => error instanceof kind)
}
