import t from 'tap'
import { accountFiles, renderGroup, renderPasswd } from '../../../src/stack/accounts.ts'
import { stateFolder } from '../../../src/stack/state/state-folder.ts'

t.test('the owner of the workspace is claude, with a home and a shell', async t => {
  t.match(
    renderPasswd({ uid: 4242, gid: 4243 }),
    /^claude:x:4242:4243:.*:\/home\/claude:\/bin\/bash$/m,
  )
  t.match(renderGroup({ uid: 4242, gid: 4243 }), /^claude:x:4243:$/m)
})

t.test('no account can log in as root', async t => {
  t.match(renderPasswd({ uid: 1, gid: 1 }), /^root:.*nologin$/m)
})

t.test('the user the image was made with needs no files', async t => {
  const state = stateFolder('s', '/state')
  t.same(accountFiles({ uid: 1000, gid: 1000 }, state), [])
  t.equal(accountFiles({ uid: 1000, gid: 100 }, state).length, 2)
})
