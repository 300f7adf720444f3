import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { checkoutRoot } from '../../../../src/config/paths.ts'
import { Settings } from '../../../../src/config/settings.ts'
import type { VolumeSummary } from '../../../../src/engine/engine.ts'
import { openStack } from '../../../../src/operations/start/open-stack.ts'
import {
  folderStack,
  renderIdentityLabels,
  type StackIdentity,
  stackIdentity,
} from '../../../../src/stack/identity.ts'
import { composeProject, stackVariables } from '../../../../src/stack/stack.ts'
import { buildStackFile } from '../../../../src/stack/stack-file.ts'
import { readOwner } from '../../../../src/stack/state/owner.ts'
import { stateFolder } from '../../../../src/stack/state/state-folder.ts'

// Not the state of the user who runs the tests.
process.env.XDG_STATE_HOME = await mkdtemp(join(tmpdir(), 'open-stack-'))
t.teardown(() => rm(process.env.XDG_STATE_HOME ?? '', { recursive: true }))

const open = (identity: StackIdentity, path: string, volumes: readonly VolumeSummary[] = []) =>
  openStack({
    forbidden: [],
    identity,
    workspace: { path, agent: { uid: 1000, gid: 1000 }, mode: 'copy' },
    running: null,
    volumes,
    settings: Settings.parse({ ANTHROPIC_API_KEY: 'sk-ant-api03-x' }),
    images: { agent: 'agent:1', gateway: 'gateway:1', proxy: 'proxy:1' },
    root: checkoutRoot(),
    engineMajor: 28,
    log: () => {},
  })

t.test('two stacks of one folder share no project, network, volume or state', async t => {
  const folder = t.testdir()
  const identities = [
    folderStack(folder),
    stackIdentity({ kind: 'session', folder, session: 'one' }),
    stackIdentity({ kind: 'session', folder, session: 'two' }),
  ]
  const stacks = await Promise.all(identities.map(identity => open(identity, folder)))
  const distinct = (values: readonly unknown[]) => new Set(values).size
  t.equal(distinct(stacks.map(stack => composeProject(stack).name)), 3)
  for (const part of ['path', 'credential', 'override', 'usage'] as const) {
    t.equal(distinct(stacks.map(stack => stack.state[part])), 3, part)
  }
  t.equal(distinct(stacks.map(stack => stack.placeholder.placeholder)), 3, 'placeholders')
  const variables = stacks.map(stackVariables)
  for (const name of ['HOME_VOLUME', 'WORKER_HOME_VOLUME', 'CREDENTIAL_FILE', 'USAGE_FOLDER']) {
    t.equal(distinct(variables.map(values => values[name])), 3, name)
  }
  for (const identity of identities) {
    t.same(await readOwner(identity.name, stateFolder(identity.name)), identity)
  }
  // Compose prefixes what has no name of its own with the project's.
  const file = parse(await readFile(join(checkoutRoot(), 'compose.yaml'), 'utf8'))
  const generated = stacks.map(stack => buildStackFile(stack, '')) as (typeof file)[]
  for (const { networks, volumes } of [file, ...generated]) {
    for (const network of Object.values(networks)) t.notOk(Object(network).name)
    for (const volume of Object.values(volumes)) t.match(Object(volume).name ?? '${', /^\$\{/)
  }
})

t.test('a stack whose identity has no folder opens with the folder it is given', async t => {
  const identity = stackIdentity({ kind: 'server', server: 'main' })
  const stack = await open(identity, t.testdir())
  t.same(stack.identity, identity)
  t.equal(composeProject(stack).name, identity.name)
  t.same(await readOwner(identity.name, stack.state), identity)
})

t.test('the volume of another folder is refused before the state is claimed', async t => {
  const folder = t.testdir()
  const identity = folderStack(folder)
  const other = { ...folderStack('/y/app'), name: identity.name, id: identity.id }
  const volume = { Name: `${identity.name}_home-1000`, Labels: renderIdentityLabels(other) }
  await t.rejects(open(identity, folder, [volume]), {
    message: `the volume ${volume.Name} belongs to /y/app, and ${folder} has the same stack name`,
  })
  t.equal(await readOwner(identity.name, stateFolder(identity.name)), null)
  await open(identity, folder, [{ ...volume, Labels: renderIdentityLabels(identity) }])
})
