import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { afterSession } from '../../../src/cli/after-session.ts'
import { reportAfter } from '../../../src/cli/session.ts'
import { labels } from '../../../src/stack/labels.ts'
import { hostFilesPath, renderHostFiles } from '../../../src/workspace/host-files/changes.ts'
import { scanHostFiles } from '../../../src/workspace/host-files/scan.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'

// Not the state of the user who runs the tests.
process.env.XDG_STATE_HOME = await mkdtemp(join(tmpdir(), 'after-session-'))
t.teardown(() => rm(process.env.XDG_STATE_HOME ?? '', { recursive: true }))

const stack = 'claude-secure-x-00000000'
/** No engine answers there: what needs one finds nothing out. */
const session = { address: { socketPath: '/nowhere.sock' }, container: 'c', keeper: null, stack }

async function workspaceWithState(t: Test) {
  const workspace = t.testdir({ Makefile: 'all:' })
  const state = join(process.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', stack)
  await mkdir(state, { recursive: true })
  await writeFile(hostFilesPath(state), renderHostFiles(await scanHostFiles(workspace)))
  const protection = {
    workspace,
    placeholders: [],
    overlays: [{ path: 'Makefile', identity: '0' }],
  }
  await writeFile(join(state, 'protection.json'), JSON.stringify(protection))
  return workspace
}

/** What is said on stderr meanwhile. */
async function said(t: Test, body: () => Promise<unknown>) {
  const writes = t.capture(process.stderr, 'write', () => true)
  await body()
  return writes().map(({ args }) => String(args[0]))
}

t.test('changed files, and files that are no longer protected, are reported', async t => {
  const workspace = await workspaceWithState(t)
  await writeFile(join(workspace, 'Makefile'), 'all: evil')
  const lines = await said(t, () => afterSession({ ...session, workspace, since: new Date() }))
  t.match(lines[0], 'read before you run anything here: Makefile (changed)\n')
  t.match(
    lines[1],
    /^no longer protected, because .*: Makefile; run \.\/claude\.ts stop and \.\/claude\.ts start to/,
  )
})

t.test(
  'files that could not be checked in time are reported, whatever else is dropped',
  async t => {
    const workspace = await workspaceWithState(t)
    await writeFile(join(workspace, 'Makefile'), 'all: evil')
    const ended = { ...session, workspace, since: new Date() }
    const late = await said(t, () => afterSession(ended, { results: 3_000, files: 0 }))
    t.match(late[0], /were not all checked \(timed out\): run \S+ stop before you use them\n/)
    const lines = await said(t, () => afterSession(ended, { results: 0, files: 20_000 }))
    t.match(lines[0], 'read before you run anything here: Makefile (changed)\n')
  },
)

t.test('a failed notice is reported with --verbose only', async t => {
  const workspace = await workspaceWithState(t)
  await rm(join(workspace, 'Makefile'))
  const options = { ...session, stack: 'claude-secure-y-00000000', workspace, since: new Date() }
  t.same(await said(t, () => afterSession(options)), [])
  t.not((await said(t, () => afterSession({ ...options, verbose: true }))).length, 0)
})

t.test('the exit status is that of the session', async t => {
  const workspace = await workspaceWithState(t)
  await said(t, async () => {
    t.equal(await reportAfter({ ...session, workspace }, async () => 7), 7)
  })
})

t.test('the stack that stays is named after a session, not after each run of a script', async t => {
  // What earlier tests left of the other one is reported after a run, too.
  const stack = 'claude-secure-z-00000000'
  const running = { State: 'running', Status: 'Up', Labels: { [labels.stack]: stack } }
  const container = {
    ...{ Id: 'c', Names: [], ImageID: 'i', Image: 'i', Created: 0, ...running },
    Labels: { ...running.Labels, 'com.docker.compose.service': 'proxy' },
  }
  const host = await startFakeEngine(t, { ...goodEngine, '/containers/json': [container] })
  const address = { socketPath: host.replace('unix://', '') }
  const ended = { ...session, stack, address, workspace: '/w', since: new Date() }
  t.match((await said(t, () => afterSession(ended))).join(''), /is still up: .* ends it/)
  t.same(await said(t, () => afterSession({ ...ended, ofRun: true })), [])
})
