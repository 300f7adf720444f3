import t from 'tap'
import { Agent } from 'undici'
import { findForge, forgeKinds } from '../../../../src/git/forge/find-forge.ts'
import { parseRemoteUrl } from '../../../../src/git/remote-url.ts'
import { startForge } from '../../../support/forge/forge-stand-in.ts'

const find = (url: string, options = {}) => findForge(parseRemoteUrl(url), options)

t.test('well-known hosts are known without a question, over https and ssh', async t => {
  for (const [url, kind, api] of [
    ['https://github.com/ada/tools.git', 'github', 'https://api.github.com'],
    ['git@github.com:ada/tools.git', 'github', 'https://api.github.com'],
    ['ssh://git@ssh.github.com:443/ada/tools', 'github', 'https://api.github.com'],
    ['https://corp.ghe.com/ada/tools', 'github', 'https://api.corp.ghe.com'],
    ['git@gitlab.com:group/sub/tools.git', 'gitlab', 'https://gitlab.com/api/v4'],
    ['ssh://git@altssh.gitlab.com:443/group/tools', 'gitlab', 'https://gitlab.com/api/v4'],
    ['https://codeberg.org/ada/tools', 'gitea', 'https://codeberg.org/api/v1'],
  ] as const) {
    t.match(await find(url), { kind, api }, url)
  }
  t.same((await find('git@gitlab.com:group/sub/tools.git'))?.repository, ['group', 'sub', 'tools'])
})

for (const kind of forgeKinds) {
  t.test(`a host of its own with ${kind} is asked, without a token`, async t => {
    const forge = await startForge(t, { kind })
    for (const isClosed of [false, true]) {
      forge.state.isClosed = isClosed
      const found = await find(forge.remote)
      t.match(found, { kind, web: forge.origin, repository: ['ada', 'tools'] })
      t.ok(found?.api.startsWith(forge.origin))
    }
    t.ok(forge.seen.length > 0)
    t.ok(forge.seen.every(({ headers }) => headers.authorization === undefined))
  })
}

t.test('a host with git alone, without an answer, or a folder is not a forge', async t => {
  const plain = await startForge(t, { kind: null })
  t.equal(await find(plain.remote), null)
  t.equal(await find('http://127.0.0.1:9/a/b', { dispatcher: new Agent() }), null)
  t.equal(await find('/srv/git/tools.git'), null)
})

t.test('a kind that is given needs no question', async t => {
  const forge = await startForge(t, { kind: 'gitea' })
  t.match(await find(forge.remote, { kind: 'gitea' }), { kind: 'gitea' })
  t.equal(forge.seen.length, 0)
})

t.test('a page that redirects the questions elsewhere is not a forge', async t => {
  const other = await startForge(t, { kind: 'gitea' })
  const forge = await startForge(t, {
    kind: null,
    before: (request, response) => {
      response.writeHead(302, { location: `${other.origin}${request.url}` }).end()
      return true
    },
  })
  t.equal(await find(forge.remote), null)
  t.equal(other.seen.length, 0)
})

t.test('a path that is not a repository of that forge is refused', async t => {
  await t.rejects(find('https://github.com/ada'), { message: /ada/, hint: /OWNER\/NAME/ })
  await t.rejects(find('https://github.com/a/b/c'), { message: /not the address of a repository/ })
  await t.rejects(find('https://github.com/a%2fb/c'), {
    message: /not the address of a repository/,
  })
})
