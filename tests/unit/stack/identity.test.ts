import t from 'tap'
import {
  describeStack,
  folderStack,
  isSameStack,
  isStackName,
  parseIdentityLabels,
  parseStackOf,
  renderIdentityLabels,
  type StackOf,
  stackIdentity,
} from '../../../src/stack/identity.ts'

const folder: StackOf = { kind: 'folder', folder: '/x/My Project' }
const session: StackOf = { kind: 'session', folder: '/x/My Project', session: 'fix/login' }
const server: StackOf = { kind: 'server', server: 'main' }

t.test('stack names are valid for compose whatever the folder is called', async t => {
  for (const path of [
    '/x/My Project',
    '/x/日本',
    '/x/--',
    `/x/${'long'.repeat(40)}`,
    "/x/$(id)'",
  ]) {
    for (const of of [{ kind: 'folder', folder: path } as const, { ...session, folder: path }]) {
      const { name, id } = stackIdentity(of)
      t.match(name, /^claude-secure-[a-z0-9](-?[a-z0-9])*-[0-9a-f]{8}$/, path)
      t.ok(name.endsWith(`-${id}`))
    }
  }
  t.ok(isStackName(folderStack('/x/My Project').name))
  t.notOk(isStackName('claude-secure-images'))
  t.not(folderStack('/a/project').name, folderStack('/b/project').name)
})

t.test('the stack of a folder has the name it always had', async t => {
  t.equal(folderStack('/home/me/project').name, 'claude-secure-project-225df309')
})

t.test('sessions of a folder, their folder and a server have a stack each', async t => {
  const names = [folder, session, { ...session, session: 'fix' }, server].map(
    of => stackIdentity(of as StackOf).name,
  )
  t.equal(new Set(names).size, names.length)
  t.match(names, [/my-project-/, /my-project-fix-login-/, /my-project-fix-/, /server-main-/])
})

t.test('an identity comes back out of the labels', async t => {
  for (const of of [folder, session, server]) {
    const identity = stackIdentity(of)
    t.same(parseIdentityLabels(renderIdentityLabels(identity)), identity)
  }
})

t.test('labels of a version without kinds belong to a folder', async t => {
  const identity = folderStack('/x/app')
  t.same(
    parseIdentityLabels({
      'claude-secure.stack': identity.name,
      'claude-secure.workspace': '/x/app',
    }),
    identity,
  )
})

t.test('labels without an identity give none', async t => {
  t.equal(parseIdentityLabels({}), null)
  t.equal(parseIdentityLabels({ 'claude-secure.stack': 'claude-secure-x-00000000' }), null)
  t.equal(parseStackOf({ kind: 'session', folder: '/x' }), null)
  t.equal(parseStackOf({ kind: 'other', folder: '/x' }), null)
})

t.test('two stacks with one name are not the same stack', async t => {
  const one = folderStack('/x/app')
  t.ok(isSameStack(one, folderStack('/x/app')))
  t.notOk(isSameStack(one, { ...folderStack('/y/app'), name: one.name, id: one.id }))
  t.notOk(isSameStack(one, { ...stackIdentity(session), name: one.name, id: one.id }))
})

t.test('a message names the folder, the session or the server', async t => {
  t.equal(describeStack(folder), '/x/My Project')
  t.equal(describeStack(session), 'session fix/login of /x/My Project')
  t.equal(describeStack(server), 'server main')
})

t.test(
  'the owner is part of the identity, unless an earlier version did not record it',
  async t => {
    const [mine, theirs] = [folderStack('/x', 1000), folderStack('/x', 0)]
    t.equal(mine.name, folderStack('/x').name, 'not of the name: existing stacks keep theirs')
    t.equal(isSameStack(mine, theirs), false)
    t.equal(isSameStack(mine, folderStack('/x', 1000)), true)
    t.equal(isSameStack(mine, folderStack('/x')), true)
    t.same(parseIdentityLabels(renderIdentityLabels(theirs)), theirs)
    const odd = { ...renderIdentityLabels(mine), 'claude-secure.owner': 'me' }
    t.same(parseIdentityLabels(odd), folderStack('/x'))
  },
)
