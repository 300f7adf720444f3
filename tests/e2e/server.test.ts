import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import * as z from 'zod'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestServer, startTestServer } from '../support/stack/test-server.ts'
import { owner, sentinel } from '../support/stack/test-stack.ts'

const server = await createTestServer(t, { settings: { DRAIN_SECONDS: '300' } })
const { request, serve } = server
const Run = z.looseObject({ runId: z.string(), workspace: z.string() })
const statusOf = async (runId: string) => {
  const { json } = await request(`/run/result?runId=${runId}`)
  const { status, type } = z
    .looseObject({ status: z.string().optional(), type: z.string().optional() })
    .parse(json)
  return status ?? (type === 'result' ? 'completed' : 'unknown')
}
/** Not `docker kill`, after which the engine does not restart a container. */
const killFirst = async (service: string) => {
  const format = ['inspect', '--format', '{{.State.Pid}}', server.container(service)]
  const pid = await must('docker', format)
  await must('kill', ['-KILL', pid.trim()])
  // On a busy host it still answers for a moment.
  await until('its end', async () => (await must('docker', format)) !== pid)
}
const startRun = async (prompt: string, workspace?: string) => {
  const body = { prompt, async: true, ...(workspace && { workspace }) }
  const { status, json, text } = await request('/run', { body })
  if (status !== 200) throw new Error(`POST /run: ${status} ${text}`)
  return Run.parse(json).runId
}
const isRunning = (runId: string) => async () => {
  const { json } = await request('/status')
  return JSON.stringify(json).includes(runId) && (await statusOf(runId)) === 'running'
}

t.test('up says where the server is, and the request it prints works', async t => {
  const { code, stdout, stderr } = await serve(['up'])
  t.equal(code, 0, stderr)
  t.match(stderr, /the server already runs/)
  t.match(stdout, new RegExp(`^url +${server.url}$`, 'm'))
  t.match(stdout, /^token +API_TOKEN in /m)
  const [, curl = ''] = /^try +(curl .*)$/m.exec(stdout) ?? []
  const shown = await run('sh', ['-c', curl.replace('Say hello', '[[say hello from the model]]')], {
    env: { ...process.env, API_TOKEN: server.token },
  })
  t.match(JSON.parse(shown.stdout), {
    type: 'result',
    result: 'hello from the model',
    isError: false,
    workspace: '/workspaces',
  })
})

t.test('without the token every route but the health check is closed', async t => {
  for (const path of ['/', '/status', '/files', '/metrics', '/docs', '/openapi.json']) {
    t.equal((await fetch(`${server.url}${path}`)).status, 401, path)
  }
  t.equal((await fetch(`${server.url}/health`)).status, 200)
  t.equal((await request('/status', { token: 'x'.repeat(43) })).status, 401)
})

t.test('an uploaded file and what the agent writes belong to the owner of the folder', async t => {
  const put = await fetch(`${server.url}/files/p/a.txt`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${server.token}` },
    body: 'uploaded',
  })
  t.equal(put.status, 200)
  const body = { prompt: '[[bash cat a.txt; echo made > b.txt]]', workspace: 'p' }
  const { json } = await request('/run', { body })
  t.match(json, { result: /uploaded/, workspace: '/workspaces/p' })
  for (const name of ['a.txt', 'b.txt']) {
    t.match(await stat(join(server.workspaces, 'main/p', name)), { uid: owner, gid: owner }, name)
  }
})

t.test('no secret is in what the engine shows, nor in the files of the server', async t => {
  const { stdout: ids } = await run('docker', [
    ...['ps', '--quiet', '--filter', `label=com.docker.compose.project=${server.stack}`],
  ])
  const { stdout } = await run('docker', ['inspect', ...ids.trim().split('\n')])
  t.ok(stdout.length > 10_000)
  t.notMatch(stdout, sentinel)
  t.notMatch(stdout, server.token)
  const state = join(server.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', server.stack)
  const tokens = await readFile(join(state, 'server/tokens.json'), 'utf8')
  t.match(tokens, /"sha256": "[0-9a-f]{64}"/)
  t.notMatch(tokens, server.token)
  for (const name of await readdir(join(state, 'server'))) {
    t.equal((await stat(join(state, 'server', name))).mode & 0o077, 0, name)
  }
})

t.test('a token works at once after it was added, and no longer once it is revoked', async t => {
  const added = await serve(['token', 'add', 'ci', '--mode', 'api'])
  t.equal(added.code, 0, added.stderr)
  const token = added.stdout.trim()
  t.match(token, /^cs-[\w-]{43}$/, 'stdout is the token alone')
  await until('the server to take the token', async () => {
    return (await request('/status', { token })).status === 200
  })
  t.equal((await request('/files', { token })).status, 403, 'it may use the API alone')
  const list = await serve(['token', 'list', '--json'])
  t.match(JSON.parse(list.stdout), {
    tokens: [{ name: 'default' }, { name: 'ci', modes: ['api'] }],
  })
  t.notMatch(list.stdout, /sha256/)
  t.equal((await serve(['token', 'revoke', 'ci'])).code, 0)
  await until('the server to refuse the token', async () => {
    return (await request('/status', { token })).status === 401
  })
})

t.test('a killed server names the run that it lost, and serves again', async t => {
  const runId = await startRun('[[stream 600 100]]', 'p')
  await until('the run to start', isRunning(runId))
  await killFirst('server')
  await until('the server to answer again', async () =>
    fetch(`${server.url}/health`).then(
      ({ status }) => status === 200,
      () => false,
    ),
  )
  const lost = await until('the run to be judged', async () => {
    const status = await statusOf(runId)
    return status === 'running' ? null : status
  })
  t.match(lost, /^(interrupted|failed|cancelled)$/)
  const again = await until('the workspace to be free', async () => {
    const { status, json } = await request('/run', {
      // A session of its own: a turn that was killed before its first word would be answered too.
      body: { prompt: '[[say free again]]', workspace: 'p', noContinue: true },
    })
    return status === 200 ? json : null
  })
  t.match(again, { result: 'free again' })
})

t.test('a killed worker ends its run by name, and takes the next one', async t => {
  const runId = await startRun('[[stream 600 100]]', 'p')
  await until('the run to start', isRunning(runId))
  await killFirst('worker-main')
  const ended = await until('the run to end', async () => {
    const status = await statusOf(runId)
    return status === 'running' ? null : status
  })
  t.match(ended, /^(failed|interrupted|cancelled)$/)
  const again = await until('the worker to serve again', async () => {
    const { status, json } = await request('/run', {
      body: { prompt: '[[say back]]', workspace: 'p', noContinue: true },
    })
    return status === 200 && JSON.stringify(json).includes('back') ? json : null
  })
  t.match(again, { result: 'back', isError: false })
})

t.test('another tenant comes without touching the first, and not while runs would end', async t => {
  const created = (service: string) =>
    run('docker', ['inspect', '--format', '{{.Id}}', server.container(service)])
  const [worker, ingress] = [await created('worker-main'), await created('ingress')]
  const runId = await startRun('[[stream 60000 100]]', 'p')
  await until('the run to start', isRunning(runId))
  await server.writeTenants('tenants: [{ name: main }, { name: team-b }]')
  isTwoLines(t, await serve(['up']), {
    error: /1 run is in progress, and the change would end them$/,
    hint: /serve up --force/,
  })
  t.equal((await request(`/run/cancel?runId=${runId}`, { method: 'POST' })).status, 200)
  const up = await serve(['up'])
  t.equal(up.code, 0, up.stderr)
  t.same(await created('worker-main'), worker, 'the first worker is the same container')
  t.same(await created('ingress'), ingress)
  const added = await serve(['token', 'add', 'bea', '--tenant', 'team-b'])
  const token = added.stdout.trim()
  await until('the server to take the token', async () => {
    return (await request('/status', { token })).status === 200
  })
  const theirs = await request('/run', { token, body: { prompt: '[[bash ls -a /workspaces]]' } })
  t.equal(theirs.status, 200, theirs.text)
  t.notMatch(theirs.text, /\bp\b.*a\.txt/, 'the files of main are not there')
  t.equal((await request(`/run/result?runId=${runId}`, { token })).status, 404)
  t.match((await request('/files', { token })).json, { entries: [] })
})

t.test('status and list name the server', async t => {
  const { stdout } = await serve(['status', '--json'])
  t.match(JSON.parse(stdout), {
    running: true,
    url: server.url,
    tenants: ['main', 'team-b'],
    credentials: 'api-key',
    heldBack: [],
  })
  const list = JSON.parse((await server.cli(['list', '--json'])).stdout)
  const ours = list.stacks.find(({ stack }: { stack: string }) => stack === server.stack)
  t.match(ours, { kind: 'server', state: 'up', workspace: null, services: [] })
  t.match((await serve(['logs', 'worker-main'])).stdout, /"kind":"listening"/)
})

t.test('schedules run in the worker without a published port, and beside the API', async t => {
  const schedule = async (args: readonly string[]) => {
    const [action = '', ...more] = args
    return server.cli(['schedule', action, '--name', server.name, '--json', ...more])
  }
  isTwoLines(t, await serve(['up', '--schedules']), {
    error: /schedules\/cron\.yml does not exist$/,
    hint: /write your jobs to it/,
  })
  const job = (name: string, prompt: string, when: string) =>
    `  - { name: ${name}, schedule: "${when}", instruction: "[[${prompt}]]", workspace: p }\n`
  const never = '0 0 29 2 *'
  const jobs = `timezone: Europe/Berlin\njobs:\n${job('hello', 'say hello from {job_name}', never)}`
  await server.writeJobs(`${jobs}${job('tick', 'say tick', '*/2 * * * * *')}`)
  const up = await serve(['up', '--schedules'])
  t.equal(up.code, 0, up.stderr)
  t.notMatch(up.stdout, /curl|http/)
  await t.rejects(fetch(`${server.url}/health`), 'no port is published')
  t.match(JSON.parse((await serve(['status', '--json'])).stdout), {
    ...{ running: true, url: null },
    modes: ['schedules'],
  })
  const done = (name: string) =>
    until(`the job ${name} to run`, async () => {
      const { stdout } = await schedule(['history', name])
      const { runs } = z
        .looseObject({ runs: z.array(z.looseObject({ status: z.string(), answer: z.string() })) })
        .parse(JSON.parse(stdout))
      return runs.find(({ status }) => status !== 'running' && status !== 'interrupted')
    })
  t.match(await done('tick'), { status: 'succeeded', answer: 'tick' })
  t.equal((await schedule(['pause', 'tick'])).code, 0)
  const list = JSON.parse((await schedule(['list'])).stdout)
  t.match(list.jobs, [
    { name: 'hello', timezone: 'Europe/Berlin', paused: false, next: /-02-28T23:00/ },
    { name: 'tick', paused: true, next: null },
  ])
  await server.writeJobs('jobs: [')
  await until('the broken file to be noticed', async () => {
    return JSON.parse((await schedule(['list'])).stdout).problem !== null
  })
  t.equal((await schedule(['run', 'hello'])).code, 0, 'the jobs before the change stay')
  t.match(await done('hello'), { status: 'succeeded', answer: 'hello from hello' })
  const target = await temporaryFolder(t, 'history')
  const exported = await schedule(['history', 'hello', '--export', target])
  t.match(JSON.parse(exported.stdout), { exported: 1, present: 0, running: 0 }, exported.stderr)
  const [run = ''] = await readdir(join(target, 'workspaces_p'))
  t.match(run, /^\d{8}-\d{6}-hello$/)
  const file = (name: string) => readFile(join(target, 'workspaces_p', run, name), 'utf8')
  const activity = (await file('activity.jsonl')).trim().split('\n')
  t.match(JSON.parse(activity[0] ?? ''), { type: 'system', subtype: 'init', cwd: '/workspaces/p' })
  t.match(JSON.parse(activity.at(-1) ?? ''), { type: 'result', result: 'hello from hello' })
  t.match(JSON.parse(await file('meta.json')), {
    ...{ name: 'hello', workspace: '/workspaces/p', exit_code: 0, tenant: 'main' },
  })
  t.match(JSON.parse((await schedule(['history', '--export', target])).stdout), { present: 1 })
  await server.writeJobs(jobs)
  const both = await serve(['up', '--api', '--schedules', '--force'])
  t.equal(both.code, 0, both.stderr)
  t.equal((await request('/status')).status, 200)
  isTwoLines(t, await server.cli(['schedule', 'run', 'tick', '--name', server.name]), {
    error: /there is no job tick$/,
    hint: /choose one of hello/,
  })
  t.equal((await serve(['up'])).code, 0)
  isTwoLines(t, await server.cli(['schedule', 'list', '--name', server.name]), {
    error: /the server has no schedules$/,
    hint: /serve up --schedules/,
  })
})

t.test('down waits for an active run, whose worker stops after the server', async t => {
  // Longer than `down` takes to reach it on a busy machine.
  const runId = await startRun('[[stream 300 100]]', 'p')
  await until('the run to start', isRunning(runId))
  const down = serve(['down'])
  const format = ['inspect', '--format', '{{.State.Running}}', server.container('server')]
  const isStopped = async () => (await run('docker', format)).stdout.trim() !== 'true'
  await until('the server to stop', isStopped, 300_000)
  // The model was needed until now. Compose does not remove a network with a stranger in it.
  await server.internet.detach()
  t.match((await down).stderr, /waiting for active runs to end/)
  t.equal((await serve(['down'])).code, 0)
  await startTestServer(server)
  t.equal(await statusOf(runId), 'completed')
})

t.test('down leaves nothing that runs, says what stays, and up continues with it', async t => {
  const { json } = await request('/run', { body: { prompt: '[[say kept]]', workspace: 'p' } })
  const { runId } = Run.parse(json)
  await server.internet.detach()
  const { code, stderr } = await serve(['down'])
  t.equal(code, 0, stderr)
  t.match(stderr, /workspaces, conversations, results and tokens stay; .*clean [0-9a-f]{8}/)
  const left = async (kind: string) =>
    (
      await run('docker', [
        ...[kind, 'ls', '--quiet', '--filter'],
        `label=com.docker.compose.project=${server.stack}`,
      ])
    ).stdout
  t.equal(await left('container'), '')
  t.equal(await left('network'), '')
  const state = join(server.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', server.stack)
  const credential = await readFile(join(state, 'credential.json'), 'utf8')
  t.notMatch(credential, sentinel, 'the key is gone from the disk')
  t.equal((await serve(['up'])).code, 0)
  t.match((await request(`/run/result?runId=${runId}`)).json, { result: 'kept' })
  t.equal((await serve(['down'])).code, 0)
  const clean = await server.cli(['clean', '--force', server.stack])
  t.equal(clean.code, 0, clean.stderr)
  t.equal(await left('volume'), '')
  t.equal(await readFile(join(server.workspaces, 'main/p/a.txt'), 'utf8'), 'uploaded')
})
