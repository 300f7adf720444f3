import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type Call, messagesApi } from '../../../src/gateway/rehearsal/messages-api.ts'
import { cloudApi, isCloudPath } from '../cloud-apis/cloud-api.ts'
import { listen } from '../http/listen.ts'
import { type Defaults, directedReply } from './directed-reply.ts'

/** A request the stand-in saw, as `GET /__requests` shows it. */
export interface SeenRequest {
  at: string
  method: string
  path: string
  host: string
  /** Names and values in turn, as they came over the wire. */
  rawHeaders: string[]
  body: string
  /** `gone` when the caller left before its answer was complete. */
  outcome: 'open' | 'done' | 'gone'
}

export interface StandIn {
  httpUrl: string
  /** Empty without a certificate. */
  httpsUrl: string
  requests: SeenRequest[]
  setDefaults(defaults: Defaults): void
  close(): Promise<void>
}

export interface StandInOptions {
  host?: string
  httpPort?: number
  httpsPort?: number
  tls?: { cert: string; key: string }
  defaults?: Defaults
}

/**
 * A stand-in for the Messages API, over HTTP and HTTPS. It remembers what it was asked, and can be
 * told what to answer, in process or at its control paths:
 *
 *     GET /__requests     what came in, oldest first      DELETE /__requests   forget it
 *     PUT /__defaults     JSON of `Defaults`, for all requests to come
 */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const requests: SeenRequest[] = []
  const attempts = new Map<string, number>()
  let defaults = options.defaults ?? {}
  const api = messagesApi({
    reply: request => directedReply(request, defaults, attempts),
    onCall: call => remember(call, requests),
  })
  const cloud = cloudApi({
    reply: request => directedReply(request, defaults, attempts),
    onCall: call => remember(call, requests),
  })
  const control = controlPaths(requests, value => {
    defaults = value
  })
  const listener: RequestListener = (request, response) =>
    request.url?.startsWith('/__')
      ? control(request, response)
      : (isCloudPath(request.url ?? '') ? cloud : api)(request, response)

  const host = options.host ?? '127.0.0.1'
  const http = await listen(createHttpServer(listener), host, options.httpPort ?? 0)
  const https =
    options.tls &&
    (await listen(createHttpsServer(options.tls, listener), host, options.httpsPort ?? 0))
  return {
    httpUrl: `http://${host}:${http.port}`,
    httpsUrl: https ? `https://${host}:${https.port}` : '',
    requests,
    setDefaults: value => {
      defaults = value
    },
    close: async () => {
      await Promise.all([http.close(), https?.close()])
    },
  }
}

function remember({ request, response, body }: Call, requests: SeenRequest[]) {
  const seen: SeenRequest = {
    at: new Date().toISOString(),
    method: request.method ?? '',
    path: request.url ?? '',
    host: request.headers.host ?? '',
    rawHeaders: request.rawHeaders,
    body: body.toString(),
    outcome: 'open',
  }
  requests.push(seen)
  response.once('close', () => {
    seen.outcome = response.writableFinished ? 'done' : 'gone'
  })
}

function controlPaths(
  requests: SeenRequest[],
  setDefaults: (value: Defaults) => void,
): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      switch (`${request.method} ${request.url}`) {
        case 'GET /__requests':
          response.setHeader('content-type', 'application/json')
          response.end(JSON.stringify(requests))
          return
        case 'DELETE /__requests':
          requests.length = 0
          response.writeHead(204).end()
          return
        case 'PUT /__defaults':
          setDefaults(JSON.parse(Buffer.concat(chunks).toString()))
          response.writeHead(204).end()
          return
        default:
          response.writeHead(404).end()
      }
    })
  }
}
