import { mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import Fastify from 'fastify'
import type { Test } from 'tap'
import { fileRoute } from '../../../src/server/files/request-target.ts'
import { type FilesOptions, filesApi } from '../../../src/server/files/routes.ts'
import { createTurns } from '../../../src/tenants/files/turns.ts'
import { type Answer, exchange } from '../../support/http/exchange.ts'

export type FilesServer = {
  url: string
  /** The folder of the tenant; its neighbour `workspaces-evil` has a secret. */
  root: string
  send: (line: string, headers?: Record<string, string>, body?: string | Buffer) => Promise<Answer>
}

/** Starts the files API alone, on a folder with a neighbour whose name begins like its own. */
export async function startFiles(
  t: Test,
  options: { limits?: Partial<FilesOptions['limits']>; mayUse?: FilesOptions['mayUse'] } = {},
): Promise<FilesServer> {
  const top = await realpath(t.testdir({ 'workspaces-evil': { 'secret.txt': 'outside' } }))
  const root = join(top, 'workspaces')
  await mkdir(root)
  const app = Fastify({ rewriteUrl: request => fileRoute(request.url ?? '') })
  await app.register(filesApi, {
    rootOf: () => root,
    mayUse: options.mayUse ?? (() => true),
    turns: createTurns(),
    limits: {
      fileBytes: 1_000_000,
      listedEntries: 1_000,
      listingsBytes: 64 * 1024 * 1024,
      idleMilliseconds: 10_000,
      ...options.limits,
    },
  })
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  t.teardown(() => app.close())
  return {
    url,
    root,
    send: (line, headers = {}, body = '') => {
      const sent = line.startsWith('PUT') ? body : ''
      const length = line.startsWith('PUT') ? { 'content-length': Buffer.byteLength(body) } : {}
      const fields = Object.entries({ host: 'server', ...length, ...headers })
      const head = fields.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      return exchange(url, [Buffer.from(`${line} HTTP/1.1\r\n${head}\r\n`, 'latin1'), sent])
    },
  }
}
