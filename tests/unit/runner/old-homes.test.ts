import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { workspaceKey } from '../../../src/run/run-home.ts'
import { removeOldHomes } from '../../../src/runner/old-homes.ts'

const chat = `chat-${'a'.repeat(20)}`
const user = `user-${'b'.repeat(20)}`

function start(t: Test) {
  // The program that removes in the background keeps nothing alive.
  const alive = setInterval(() => {}, 1_000)
  t.teardown(() => clearInterval(alive))
  const root = t.testdir({ homes: {}, temporary: {}, workspaces: { '.openai': { one: {} } } })
  const at = (name: string) => join(root, name)
  const places = {
    ...{ workspace: at('workspace'), workspaces: at('workspaces') },
    ...{ homes: at('homes'), temporary: at('temporary') },
  }
  const pathOf = (path: string) => join(places.workspaces, path)
  const keyOf = (path: string) => workspaceKey(pathOf(path))
  return {
    root,
    places,
    keyOf,
    /** Makes the home of a workspace, with a session and a temporary folder. */
    makeHome(path: string) {
      const key = keyOf(path)
      mkdirSync(join(places.homes, key, '.claude'), { recursive: true })
      writeFileSync(join(places.homes, `${key}.session`), 'x')
      mkdirSync(join(places.temporary, key))
      return key
    },
    makeWorkspace: (path: string) => mkdirSync(pathOf(path), { recursive: true }),
    remove: ({ hours = 25, used = '' } = {}) =>
      removeOldHomes({
        places,
        isUsed: key => key === used,
        now: () => Date.now() + hours * 3_600_000,
      }),
    homes: () => readdirSync(places.homes).filter(name => !name.endsWith('.session')),
  }
}

t.test('the home of a conversation goes with its workspace, and no other does', async t => {
  const { root, places, makeHome, makeWorkspace, remove, homes } = start(t)
  const gone = makeHome(`.openai/one/${chat}`)
  const kept = makeHome(`.openai/one/${user}`)
  makeWorkspace(`.openai/one/${user}`)
  const elsewhere = makeHome(`projects/${chat}x`)
  const scratch = makeHome('.openai/one/scratch-1')
  const project = makeHome('projects/gone')
  const secret = join(places.homes, gone, '.claude/closed')
  mkdirSync(secret)
  chmodSync(secret, 0)
  mkdirSync(join(root, 'outside'))
  writeFileSync(join(root, 'outside/file'), 'x')
  symlinkSync(join(root, 'outside'), join(places.homes, gone, 'link'))
  await remove()
  t.same(homes().sort(), [kept, elsewhere, scratch, project].sort())
  t.notOk(readdirSync(places.homes).includes(`${gone}.session`))
  t.notOk(readdirSync(places.temporary).includes(gone))
  t.same(readdirSync(join(root, 'outside')), ['file'])
})

t.test('a new home stays, and one that is used', async t => {
  const { makeHome, remove, homes } = start(t)
  const key = makeHome(`.openai/one/${chat}`)
  await remove({ hours: 23 })
  t.same(homes(), [key])
  await remove({ used: key })
  t.same(homes(), [key])
  await remove()
  t.same(homes(), [])
})

t.test('a workspace of the same name below another token keeps only its own home', async t => {
  const { makeHome, makeWorkspace, remove, homes } = start(t)
  makeHome(`.openai/one/${chat}`)
  const other = makeHome(`.openai/other/${chat}`)
  makeWorkspace(`.openai/other/${chat}`)
  await remove()
  t.same(homes(), [other])
})

t.test(
  'folders that are missing are no error, and one that cannot be read removes nothing',
  async t => {
    const { places, makeHome, homes } = start(t)
    await removeOldHomes({ places: { ...places, homes: '/nonexistent' }, isUsed: () => false })
    const key = makeHome(`.openai/one/${chat}`)
    const unreadable = { ...places, workspaces: join(places.homes, `${key}.session`) }
    const later = () => Date.now() + 90_000_000
    const removal = removeOldHomes({ places: unreadable, isUsed: () => false, now: later })
    await t.rejects(removal, { code: 'ENOTDIR' })
    t.same(homes(), [key])
  },
)
