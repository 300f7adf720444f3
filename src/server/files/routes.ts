import type { FastifyContextConfig, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { systemCode } from '../../base/errors.ts'
import { createByteBudget } from '../../tenants/byte-budget.ts'
import { fileErrorOf, outsideRoot } from '../../tenants/files/file-error.ts'
import { storeFile } from '../../tenants/files/store-file.ts'
import type { Target } from '../../tenants/files/target.ts'
import type { Turns } from '../../tenants/files/turns.ts'
import { HttpError } from '../../tenants/http-error.ts'
import { whenOver } from '../plugins/answer-over.ts'
import { onEachRequest } from '../plugins/each-request.ts'
import { download } from './download.ts'
import { discardBody, receiveBody, tooLarge } from './receive.ts'
import { removeFile } from './remove-file.ts'
import { parseTarget } from './request-target.ts'

export type FilesOptions = {
  /** Returns the real path of the folder that the caller's files are below: that of its tenant. */
  rootOf: (request: FastifyRequest) => string
  /** Whether the caller may name a path below its root; `` is the root itself. */
  mayUse: (request: FastifyRequest, relative: string) => boolean
  /** Shared with everything else that changes files of these roots. */
  turns: Turns
  limits: {
    /** Maximum size of a stored file in bytes. */
    fileBytes: number
    /** Maximum number of entries in one listing. */
    listedEntries: number
    /** Maximum bytes of all large listings that are made or sent at once; a root has half of them. */
    listingsBytes: number
    /** Closes a transfer that moves no byte for this long. */
    idleMilliseconds: number
  }
}

/**
 * Serves `/files` and all below it. The application needs `rewriteUrl` with `fileRoute`, and authenticates
 * before. Use it as a plugin: bodies stay streams, within it only.
 */
export function filesApi(app: FastifyInstance, options: FilesOptions, done: () => void): void {
  const { rootOf, mayUse, turns, limits } = options
  const { listingsBytes } = limits
  // A root is a tenant's, so that its half is what keeps some for the others.
  const budget = createByteBudget({
    total: listingsBytes,
    each: listingsBytes / 2,
    tenants: () => 1,
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', (_request, _payload, done) => done(null))
  onEachRequest(app, (request, reply) => {
    request.raw.socket.setTimeout(limits.idleMilliseconds)
    reply.header('x-content-type-options', 'nosniff')
    // Fastify refuses a malformed one; here the bytes are stored under any.
    delete request.raw.headers['content-type']
    // Before the body is asked for.
    const announced = Number(request.headers['content-length'] ?? 0)
    if (request.method === 'PUT' && announced > limits.fileBytes) throw tooLarge(limits.fileBytes)
  })
  app.setErrorHandler((error, request, reply) => {
    const known =
      error instanceof HttpError
        ? error
        : fileErrorOf(systemCode(error) ?? undefined, askedBy(request))
    if (!known) throw error
    discardBody(request.raw)
    return reply.code(known.status).headers(known.headers).send({ detail: known.detail })
  })

  const targetOf = (request: FastifyRequest): Target => {
    const target = parseTarget(request.originalUrl)
    const { relative } = target
    if (relative !== '' && !mayUse(request, relative)) throw outsideRoot()
    return target
  }
  const read = (request: FastifyRequest, reply: FastifyReply) => {
    const target = targetOf(request)
    const root = rootOf(request)
    const holder = { token: root, tenant: root }
    let held = 0
    const give = () => {
      budget.give(holder, held)
      held = 0
    }
    return download(request, reply, {
      root,
      target,
      mostEntries: limits.listedEntries,
      stalledMilliseconds: limits.idleMilliseconds,
      // A token with workspaces of its own sees no other in the listing of the root.
      shows: name => target.parts.length > 0 || mayUse(request, name),
      hold: bytes => {
        if (!budget.take(holder, bytes)) {
          // At once, so that of several listings some get on.
          give()
          throw tooManyListings()
        }
        if (held === 0) whenOver(reply.raw, give)
        held += bytes
      },
    })
  }
  const config: FastifyContextConfig = { modes: ['files'] }
  app.route({
    method: ['GET', 'HEAD'],
    url: '/files',
    config,
    exposeHeadRoute: false,
    handler: read,
  })
  app.put('/files', { config }, async (request, reply) => {
    const target = targetOf(request)
    const { size, etag } = await storeFile({
      root: rootOf(request),
      target,
      write: file => receiveBody(request.raw, file, limits.fileBytes),
      headers: request.headers,
      turns,
    })
    if (etag) reply.header('etag', etag)
    return { status: 'ok', path: target.absolute, size }
  })
  app.delete('/files', { config }, async request => {
    const target = targetOf(request)
    await removeFile({ root: rootOf(request), target, headers: request.headers, turns })
    return { status: 'ok', path: target.absolute }
  })
  done()
}

function tooManyListings() {
  return new HttpError(503, 'too many large listings, retry later', {
    headers: { 'retry-after': '5' },
  })
}

/** Returns a request's path for an error; `the file` when it cannot be decoded. */
function askedBy(request: FastifyRequest) {
  try {
    return parseTarget(request.originalUrl).asked || '/'
  } catch {
    return 'the file'
  }
}
