import t from 'tap'
import { RunRequest } from '../../../../src/run/request.ts'
import type { SocketTransport } from '../../../../src/run/socket-transport.ts'
import { requireLandlock } from '../../../../src/tenants/runs/landlock-check.ts'
import { fakeTransport } from '../../../support/run/fake-transport.ts'

function workerThatSays(...answers: readonly boolean[]) {
  const { transport, requests } = fakeTransport([])
  let asked = 0
  const worker: SocketTransport = {
    ...transport,
    async status() {
      return { runs: [], warm: [], landlock: answers[asked++] ?? false }
    },
    warm: async () => false,
  }
  const checked = requireLandlock(worker, '/workspaces')
  const open = (workspace: string) =>
    checked.open({
      ...{ version: 1, runId: '0123456789abcdef', workspace, asks: false, questionSeconds: 60 },
      request: RunRequest.parse({ prompt: 'x' }),
    })
  return { open, requests, asked: () => asked }
}

t.test('the root workspace needs no Landlock', async t => {
  const { open, requests, asked } = workerThatSays()
  await open('/workspaces')
  t.match(requests, [{ workspace: '/workspaces' }])
  t.equal(asked(), 0)
})

t.test('a workspace below it is refused until the worker has Landlock', async t => {
  const { open, requests, asked } = workerThatSays(false, true)
  const refusal = { code: 'confinement', message: /only the root workspace can be used/ }
  for (const workspace of ['/workspaces/p', '/workspaces/', '/workspaces-evil']) {
    await t.rejects(workerThatSays(false).open(workspace), refusal, workspace)
  }
  await t.rejects(open('/workspaces/p'), refusal)
  t.same(requests, [])
  await open('/workspaces/p')
  await open('/workspaces/q')
  t.match(requests, [{ workspace: '/workspaces/p' }, { workspace: '/workspaces/q' }])
  t.equal(asked(), 2, 'the kernel of a worker does not change')
})

t.test('a worker that does not answer starts no run', async t => {
  const { transport, requests } = fakeTransport([])
  const status = () => Promise.reject(new Error('no answer'))
  const worker = { ...transport, status, warm: async () => false }
  const request = RunRequest.parse({ prompt: 'x' })
  const ids = { version: 1, runId: '0123456789abcdef', workspace: '/workspaces/p' } as const
  const opened = requireLandlock(worker, '/workspaces').open({
    ...{ ...ids, request, asks: false, questionSeconds: 60 },
  })
  await t.rejects(opened, { message: 'no answer' })
  t.same(requests, [])
})
