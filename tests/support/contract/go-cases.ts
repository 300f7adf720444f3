import { exchange } from '../http/exchange.ts'
import type { ContractApi } from './contract-api.ts'
import type { ContractCase } from './contract-case.ts'

/**
 * The bytes that Go's net/http writes for claudebox's Go client: Host, User-Agent and Content-Length first,
 * then the client's own headers by name, then Accept-Encoding. POST without a body has Content-Length: 0,
 * GET and DELETE have none, and PUT has no Content-Type.
 */
function goRequest(
  { host, token }: ContractApi,
  line: string,
  body?: { json: string } | { bytes: string },
) {
  const content = body && ('json' in body ? body.json : body.bytes)
  const sendsLength = content !== undefined || line.startsWith('POST ')
  return [
    `${line} HTTP/1.1`,
    `Host: ${host}`,
    'User-Agent: Go-http-client/1.1',
    ...(sendsLength ? [`Content-Length: ${Buffer.byteLength(content ?? '')}`] : []),
    `Authorization: Bearer ${token}`,
    ...(body && 'json' in body ? ['Content-Type: application/json'] : []),
    'Accept-Encoding: gzip',
    '',
    content ?? '',
  ].join('\r\n')
}

/** Sends it, and reads the answer as the client does: all but 2xx is an error, and the body is JSON. */
async function goCall(
  api: ContractApi,
  line: string,
  body?: { json: string } | { bytes: string },
): Promise<Record<string, unknown>> {
  const answer = await exchange(api.url, goRequest(api, line, body))
  if (answer.status < 200 || answer.status > 299)
    throw new Error(`HTTP ${answer.status}: ${answer.text}`)
  if (answer.headers['content-encoding']) throw new Error('the client decodes gzip alone')
  return JSON.parse(answer.text) as Record<string, unknown>
}

/** As encoding/json writes it: in the order of the struct, `<`, `>` and `&` escaped. */
function goJson(value: object): { json: string } {
  const escaped = (character: string) => `\\u00${character.charCodeAt(0).toString(16)}`
  return { json: JSON.stringify(value).replace(/[<>&]/g, escaped) }
}

export const goCases: readonly ContractCase[] = [
  {
    line: 'Go client: Health and Status',
    claudebox: 'passes',
    async check(t, api) {
      t.same(await goCall(api, 'GET /health'), { status: 'ok' })
      t.match(await goCall(api, 'GET /status'), { busyWorkspaces: Array })
    },
  },
  {
    line: 'Go client: Run reads every member it has a field for',
    claudebox: 'passes',
    async check(t, api) {
      const workspace = await api.workspace()
      const prompt = api.prompts.quick('GO')
      const request = goJson({ prompt, workspace, outputFormat: 'json', noContinue: true })
      t.match(await goCall(api, 'POST /run', request), {
        runId: String,
        type: 'result',
        subtype: 'success',
        result: /GO/,
        isError: false,
        sessionId: String,
        totalCostUsd: Number,
        modelUsage: Object,
        permissionDenials: Array,
      })
    },
  },
  {
    line: 'Go client: RunAsync, RunResult and CancelRun',
    claudebox: 'passes',
    async check(t, api) {
      const workspace = await api.workspace()
      const request = goJson({ prompt: api.prompts.slow, workspace, async: true })
      const started = await goCall(api, 'POST /run', request)
      t.match(started, {
        runId: String,
        workspace: `/workspaces/${workspace}`,
        status: 'running',
      })
      const result = () => goCall(api, `GET /run/result?runId=${started.runId}`)
      t.match(await result(), { runId: started.runId, status: 'running' })
      t.same(await goCall(api, `POST /run/cancel?runId=${started.runId}`), {
        status: 'ok',
        runId: started.runId,
        workspace: `/workspaces/${workspace}`,
      })
      t.match(await result(), { runId: started.runId, status: 'cancelled' })
    },
  },
  {
    line: 'Go client: Cancel escapes a workspace as a query does',
    claudebox: 'passes',
    async check(t, api) {
      const workspace = `${await api.workspace()}/with space+plus`
      await goCall(api, `PUT /files/${workspace.replace(' ', '%20')}/f`, { bytes: '' })
      const request = goJson({ prompt: api.prompts.slow, workspace, async: true })
      await goCall(api, 'POST /run', request)
      const escaped = workspace.replaceAll('/', '%2F').replace('+', '%2B').replace(' ', '+')
      // claudebox answers 404 until the program of the run has started.
      const cancelled = await api.until(
        () => exchange(api.url, goRequest(api, `POST /run/cancel?workspace=${escaped}`)),
        answer => answer.status !== 404,
      )
      t.match(cancelled, { status: 200 })
      t.same(cancelled.json, { status: 'ok', workspace: `/workspaces/${workspace}` })
      await t.rejects(goCall(api, 'POST /run/cancel'), /HTTP 404: \{"detail":/)
    },
  },
  {
    line: 'Go client: WriteFile, ReadFile, ListFiles and DeleteFile',
    claudebox: 'passes',
    async check(t, api) {
      const workspace = await api.workspace()
      const path = `${workspace}/caf%C3%A9/a%20b.json`
      const plain = `/workspaces/${workspace}/café/a b.json`
      const bytes = '{"half of'
      const stored = await goCall(api, `PUT /files/${path}`, { bytes })
      t.same(stored, { status: 'ok', path: plain, size: bytes.length })
      const read = await exchange(api.url, goRequest(api, `GET /files/${path}`))
      t.match(read, { status: 200, text: bytes })
      t.match(await goCall(api, 'GET /files'), { path: '/', entries: Array })
      t.same(await goCall(api, `GET /files/${workspace}/caf%C3%A9`), {
        path: `${workspace}/café`,
        entries: [{ name: 'a b.json', type: 'file', size: bytes.length }],
      })
      t.same(await goCall(api, `DELETE /files/${path}`), { status: 'ok', path: plain })
      t.same(await goCall(api, `PUT /files/${path}`, { bytes: '' }), {
        status: 'ok',
        path: plain,
        size: 0,
      })
    },
  },
]
