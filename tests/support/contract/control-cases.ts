import { connect } from 'node:net'
import { type ContractApi, member } from './contract-api.ts'
import type { ContractCase } from './contract-case.ts'

/** Starts a run that goes on until it is cancelled; returns its id and the name of its workspace. */
async function startSlow(api: ContractApi, more: object = {}) {
  const workspace = await api.workspace()
  const started = await api.run({ prompt: api.prompts.slow, workspace, async: true, ...more })
  return { started, workspace, runId: String(member(started, 'runId')) }
}

const hasStatus = (status: string) => (answer: { json: unknown }) =>
  (answer.json as { status?: string }).status === status

export const controlCases: readonly ContractCase[] = [
  {
    line: 'an async run answers 200 at once, and its result is there when it has ended',
    claudebox: 'passes',
    async check(t, api) {
      const { run, send, until, prompts } = api
      const name = await api.workspace()
      const started = await run({ prompt: prompts.quick('LATER'), workspace: name, async: true })
      t.equal(started.status, 200)
      t.match(started.json, { runId: /^[0-9a-f]{16}$/, workspace: `/workspaces/${name}` })
      const path = `GET /run/result?runId=${member(started, 'runId')}`
      const result = await until(
        () => send(path),
        answer => !hasStatus('running')(answer),
      )
      t.match(result, { status: 200, json: { type: 'result', result: /LATER/ } })
      t.equal(member(result, 'status'), undefined, 'a whole result has no status')
    },
  },
  {
    line: 'a result can be read again',
    claudebox: { defect: 'results are read once' },
    async check(t, { run, send, workspace, prompts }) {
      const sync = await run({ prompt: prompts.quick('TWICE'), workspace: await workspace() })
      for (const _ of [1, 2]) {
        const answer = await send(`GET /run/result?runId=${member(sync, 'runId')}`)
        t.match(answer, { status: 200, json: { result: /TWICE/ } }, 'of a sync run too')
      }
    },
  },
  {
    line: 'GET /run/result without runId is 422, with an unknown one 404 `run not found`',
    claudebox: 'passes',
    async check(t, { send }) {
      t.match(await send('GET /run/result'), {
        status: 422,
        json: { detail: [{ type: 'missing', loc: ['query', 'runId'] }] },
      })
      const unknown = await send('GET /run/result?runId=0123456789abcdef')
      t.equal(unknown.status, 404)
      t.same(unknown.json, { detail: 'run not found' })
    },
  },
  {
    line: 'a busy workspace is 409, and /status names it and the run',
    claudebox: 'passes',
    async check(t, api) {
      const { started, workspace, runId } = await startSlow(api, {
        async: undefined,
        async_mode: true,
      })
      t.match(started.json, { status: 'running' })
      const busy = await api.run({ prompt: api.prompts.quick('X'), workspace: `/${workspace}/` })
      t.equal(busy.status, 409)
      t.same(busy.json, { detail: 'workspace busy, retry later' })
      const status = await api.send('GET /status')
      const { busyWorkspaces, runs } = status.json as {
        busyWorkspaces: string[]
        runs: { runId: string; workspace: string; status: string }[]
      }
      t.ok(busyWorkspaces.includes(`/workspaces/${workspace}`))
      t.match(
        runs.find(each => each.runId === runId),
        { workspace: `/workspaces/${workspace}`, status: 'running' },
      )
      t.match(await api.send(`GET /run/result?runId=${runId}`), {
        json: { runId, status: 'running' },
      })
      await api.send(`POST /run/cancel?runId=${runId}`)
    },
  },
  {
    line: 'POST /run/cancel by runId, by workspace, with any Content-Type and no body',
    claudebox: 'passes',
    async check(t, api) {
      const one = await startSlow(api)
      const headers = { 'content-type': 'application/json' }
      const byId = await api.send(`POST /run/cancel?runId=${one.runId}`, { headers })
      const workspace = `/workspaces/${one.workspace}`
      t.equal(byId.status, 200)
      t.same(byId.json, { status: 'ok', runId: one.runId, workspace })
      t.match(
        await api.until(
          () => api.send(`GET /run/result?runId=${one.runId}`),
          answer => !hasStatus('running')(answer),
        ),
        { status: 200, json: { runId: one.runId, status: 'cancelled' } },
      )
      const other = await startSlow(api, { noContinue: true })
      const byWorkspace = await api.until(
        () => api.send(`POST /run/cancel?workspace=${other.workspace}`),
        answer => answer.status !== 404,
      )
      t.same(byWorkspace.json, { status: 'ok', workspace: `/workspaces/${other.workspace}` })
      const free = await api.until(
        () => api.run({ prompt: api.prompts.quick('FREE'), workspace: other.workspace }),
        answer => answer.status !== 409,
      )
      t.match(free, { status: 200, json: { result: /FREE/ } })
    },
  },
  {
    line: 'a run that has only begun is cancelled by its workspace, which is free at once',
    claudebox: { defect: '404 until its program has started, and then it starts once more' },
    async check(t, api) {
      const { workspace } = await startSlow(api)
      const cancelled = await api.send(`POST /run/cancel?workspace=${workspace}`)
      t.equal(cancelled.status, 200)
      t.same(cancelled.json, { status: 'ok', workspace: `/workspaces/${workspace}` })
      const free = await api.run({ prompt: api.prompts.quick('FREE'), workspace })
      t.match(free, { status: 200, json: { result: /FREE/ } })
    },
  },
  {
    line: 'POST /run/cancel of nothing is 404',
    claudebox: 'passes',
    async check(t, { send, workspace }) {
      const none = { detail: 'no running process for workspace' }
      t.match(await send('POST /run/cancel?runId=0123456789abcdef'), {
        status: 404,
        json: { detail: 'run not found' },
      })
      t.match(await send(`POST /run/cancel?workspace=${await workspace()}`), {
        status: 404,
        json: none,
      })
      t.match(await send('POST /run/cancel'), { status: 404, json: none }, 'the root workspace')
      t.match(await send('POST /run/cancel?workspace=..'), {
        status: 400,
        json: { detail: 'path outside root workspace' },
      })
    },
  },
  {
    line: 'the id of a finished run cancels nothing',
    claudebox: { defect: 'cancelling a finished run kills the newer one in its workspace' },
    async check(t, { run, send, workspace, prompts }) {
      const name = await workspace()
      const old = await run({ prompt: prompts.quick('OLD'), workspace: name })
      const newer = await run({ prompt: prompts.slow, workspace: name, async: true })
      t.equal((await send(`POST /run/cancel?runId=${member(old, 'runId')}`)).status, 404)
      const path = `GET /run/result?runId=${member(newer, 'runId')}`
      t.match((await send(path)).json, { status: 'running' })
      t.match(await send(`POST /run/cancel?runId=${member(newer, 'runId')}`), { status: 200 })
    },
  },
  {
    line: 'a cancelled sync run answers 200 with status cancelled',
    claudebox: { defect: 'cancel leaves the child alive, and the request hangs' },
    async check(t, api) {
      const workspace = await api.workspace()
      const answer = api.run({ prompt: api.prompts.slow, workspace })
      await api.until(
        () => api.send(`POST /run/cancel?workspace=${workspace}`),
        ({ status }) => status === 200,
      )
      t.match(await answer, { status: 200, json: { status: 'cancelled', isError: true } })
    },
  },
  {
    line: 'a client that leaves ends its sync run, and the workspace becomes free',
    claudebox: { defect: 'after a disconnect the workspace stays locked' },
    async check(t, api) {
      const workspace = await api.workspace()
      const socket = connect(Number(api.host.split(':')[1]), '127.0.0.1')
      const request = api.bytesOf('POST /run', { body: { prompt: api.prompts.slow, workspace } })
      for (const part of request) socket.write(part)
      const isBusy = (answer: { text: string }) => answer.text.includes(`/workspaces/${workspace}"`)
      const status = () => api.send('GET /status')
      await api.until(status, answer => isBusy(answer))
      socket.destroy()
      const next = await api.until(
        () => api.run({ prompt: api.prompts.quick('NEXT'), workspace }),
        answer => answer.status !== 409,
      )
      t.match(next, { status: 200, json: { result: /NEXT/ } })
    },
  },
  {
    line: 'a fireAndForget run goes on when its client leaves',
    claudebox: 'passes',
    async check(t, api) {
      const workspace = await api.workspace()
      const socket = connect(Number(api.host.split(':')[1]), '127.0.0.1')
      const body = { prompt: api.prompts.slow, workspace, fireAndForget: true }
      for (const part of api.bytesOf('POST /run', { body })) socket.write(part)
      const running = async () => api.send('GET /status')
      await api.until(running, answer => answer.text.includes(`/workspaces/${workspace}"`))
      socket.destroy()
      for (const _ of [1, 2, 3]) {
        const busy = await api.run({ prompt: api.prompts.quick('X'), workspace })
        t.equal(busy.status, 409)
      }
      t.match(await api.send(`POST /run/cancel?workspace=${workspace}`), { status: 200 })
    },
  },
]
