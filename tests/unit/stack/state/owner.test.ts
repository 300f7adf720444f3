import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { folderStack, type StackIdentity, stackIdentity } from '../../../../src/stack/identity.ts'
import {
  claimState,
  folderSettingsPath,
  readOwner,
  refuseOtherOwner,
} from '../../../../src/stack/state/owner.ts'
import { stateFolder } from '../../../../src/stack/state/state-folder.ts'
import { collidingFolders } from '../../../support/stack/colliding-folders.ts'

const mine = folderStack('/x/app')
/** Another folder whose short hash is the same. */
const collides: StackIdentity = { ...folderStack('/y/app'), name: mine.name, id: mine.id }
const refused = { message: /^\/y\/app and \/x\/app have the same stack name, claude-secure-app-/ }

t.test('two folders with one short hash do not share a state folder', async t => {
  const state = { path: t.testdir() }
  await claimState(mine, state)
  await claimState(mine, state)
  t.same(await readOwner(mine.name, state), mine)
  await t.rejects(refuseOtherOwner(collides, state), refused)
  await t.rejects(claimState(collides, state), refused)
  t.same(await readOwner(mine.name, state), mine, 'and it stays with the first')
})

t.test('containers of another folder with the same name are refused', async t => {
  const state = { path: t.testdir() }
  await t.rejects(claimState(collides, state, { identity: mine }), refused)
  t.equal(await readOwner(mine.name, state), null, 'and nothing is claimed')
  await refuseOtherOwner(mine, state, { identity: mine })
})

t.test('a session of a folder does not take over the state of the folder', async t => {
  const state = { path: t.testdir() }
  const of = { kind: 'session', folder: '/x/app', session: 's' } as const
  const session = { ...stackIdentity(of), name: mine.name, id: mine.id }
  await claimState(mine, state)
  await t.rejects(claimState(session, state), { message: /^session s of \/x\/app and \/x\/app/ })
})

t.test('a state folder of a version without kinds belongs to its last workspace', async t => {
  const protection = { workspace: '/x/app', placeholders: [], overlays: [] }
  const state = { path: t.testdir({ 'protection.json': JSON.stringify(protection) }) }
  t.same(await readOwner(mine.name, state), mine)
  await t.rejects(claimState(collides, state), refused)
  await claimState(mine, state)
  t.match(JSON.parse(await readFile(join(state.path, 'identity.json'), 'utf8')), {
    kind: 'folder',
    folder: '/x/app',
  })
})

t.test('a damaged identity is refused, and not taken for a new stack', async t => {
  for (const text of ['{', '{}', '{"version":1,"kind":"session","folder":"/x"}']) {
    const state = { path: t.testdir() }
    await writeFile(join(state.path, 'identity.json'), text)
    await t.rejects(claimState(mine, state), { message: /cannot tell which stack/ }, text)
  }
})

t.test('the settings of another folder with the same name are not read', async t => {
  const parent = t.testdir({})
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = join(parent, 'state')
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })
  const [first, second] = collidingFolders(parent)
  for (const folder of [first, second]) await mkdir(folder, { recursive: true })
  const identity = folderStack(first)
  const state = stateFolder(identity.name)
  t.equal(await folderSettingsPath(second), state.settings, 'while there are none')
  await mkdir(state.path, { recursive: true })
  await claimState(identity, state)
  await writeFile(state.settings, 'PROTECT=none\n')
  t.equal(await folderSettingsPath(first), state.settings)
  await t.rejects(folderSettingsPath(second), { message: /have the same stack name/ })
  t.equal(await folderSettingsPath(join(parent, 'gone')), null)
})
