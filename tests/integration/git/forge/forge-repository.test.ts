import t, { type Test } from 'tap'
import { type ForgeKind, findForge, forgeKinds } from '../../../../src/git/forge/find-forge.ts'
import { createForgeRepository } from '../../../../src/git/forge/forge-repository.ts'
import { parseRemoteUrl } from '../../../../src/git/remote-url.ts'
import { startForge } from '../../../support/forge/forge-stand-in.ts'

const head = 'claude/20261130-080000'
const request = { title: 'Fix the login', body: 'Two lines\nof text', head, base: 'main' }

async function connect(t: Test, kind: ForgeKind, token: string | null = 'token-that-writes') {
  const stand = await startForge(t, { kind })
  const forge = await findForge(parseRemoteUrl(stand.remote), { kind })
  if (!forge) throw new Error('no forge')
  const asked: string[] = []
  const repository = createForgeRepository(forge, {
    login: async host => {
      asked.push(host)
      return token === null ? null : { user: 'ada', token }
    },
  })
  const [stored] = stand.state.repositories
  if (!stored) throw new Error('no repository')
  return { ...stand, forge, repository, stored, asked }
}

/** Stores a fork of `ada/tools` that has the branch. */
function addFork({ state }: Awaited<ReturnType<typeof connect>>, name = 'eve/tools') {
  const branches = new Map([[head, 'c'.repeat(40)]])
  const own = { name, branches, parent: 'ada/tools', defaultBranch: 'main' }
  state.repositories.push({ ...own, requests: [], isPrivate: false })
  return name.split('/')
}

for (const kind of forgeKinds) {
  t.test(`${kind}: a pull request is opened, found and read`, async t => {
    const { repository, stored, origin, asked } = await connect(t, kind)
    t.equal(await repository.defaultBranch(), 'main')
    t.equal(await repository.find(head), null)

    const { pullRequest, opened } = await repository.open(request)
    t.equal(opened, true)
    t.match(stored.requests, [{ ...request, draft: false, number: 1 }])
    t.match(pullRequest, {
      number: 1,
      title: request.title,
      state: 'open',
      draft: false,
      base: 'main',
      head: { branch: head, commit: 'b'.repeat(40), fork: false, repository: 'ada/tools' },
      ref: kind === 'gitlab' ? 'refs/merge-requests/1/head' : 'refs/pull/1/head',
    })
    t.ok(pullRequest.url.startsWith(`${origin}/ada/tools/`), pullRequest.url)
    t.same(await repository.find(head), pullRequest)
    t.same(await repository.find(head, 'main'), pullRequest)
    t.equal(await repository.find(head, 'other'), null)
    t.same(await repository.fetch(1), pullRequest)
    t.same(asked, [new URL(origin).host], 'the token is looked for once')
  })

  t.test(`${kind}: a second one of the same branches is the first`, async t => {
    const { repository, stored } = await connect(t, kind)
    const first = await repository.open(request)
    const second = await repository.open({ ...request, title: 'Another' })
    t.same(second, { ...first, opened: false })
    t.equal(stored.requests.length, 1)
  })

  t.test(`${kind}: a branch of a fork is for the repository that was forked`, async t => {
    const connected = await connect(t, kind)
    const { repository, stored, seen, forge, state } = connected
    const fork = addFork(connected)
    const opened = await repository.open({ ...request, fork })
    t.equal(opened.opened, true)
    t.match(stored.requests, [{ ...request, from: 'eve/tools', number: 1 }])
    t.same(state.repositories[1]?.requests, [])
    const { url, body = '' } = seen.find(({ method }) => method === 'POST') ?? {}
    if (kind === 'gitlab') {
      t.equal(url, '/api/v4/projects/eve%2Ftools/merge_requests')
      t.match(JSON.parse(body), { source_branch: head, target_project_id: 1 })
    } else {
      t.match(url, /\/repos\/ada\/tools\/pulls$/)
      t.equal(JSON.parse(body).head, `eve:${head}`)
      t.notOk('head_repo' in JSON.parse(body))
    }
    const again = await repository.open({ ...request, fork })
    t.match(again, { opened: false, pullRequest: { number: 1 } })

    // Another fork has a branch of that name too, and so has the repository itself.
    t.equal(
      (await repository.open({ ...request, fork: addFork(connected, 'bob/tools') })).opened,
      true,
    )
    t.equal(await repository.find(head), null)
    t.equal((await repository.find(head, 'main', fork))?.number, 1)
    t.equal((await repository.find(head, 'main', ['bob', 'tools']))?.number, 2)
    t.same(await repository.origins(), [])
    const inFork = createForgeRepository(
      { ...forge, repository: fork },
      { login: async () => null },
    )
    t.match(await inFork.origins(), ['ada/tools'])
  })

  t.test(`${kind}: a pull request says where its fork is, and who may push there`, async t => {
    const connected = await connect(t, kind)
    const { repository, stored } = connected
    await repository.open({ ...request, fork: addFork(connected) })
    const from = { fork: true, repository: 'eve/tools', branch: head }
    t.match(await repository.fetch(1), { head: { ...from, isOpenToPushes: false } })
    for (const one of stored.requests) one.isOpenToPushes = true
    t.match(await repository.fetch(1), { head: { ...from, isOpenToPushes: true } })
  })

  t.test(`${kind}: a draft is one`, async t => {
    const { repository } = await connect(t, kind)
    const { pullRequest } = await repository.open({ ...request, draft: true })
    t.equal(pullRequest.draft, true)
    t.match(pullRequest.title, /Fix the login$/)
  })

  t.test(`${kind}: closed ones, others' branches and forks are not the open one`, async t => {
    const { repository, stored } = await connect(t, kind)
    const of = (more: object) => ({
      ...{ title: 't', body: 'b', head, base: 'main', draft: false, from: 'ada/tools' },
      ...{ number: stored.requests.length + 1, state: 'open' as const, ...more },
    })
    stored.requests.push(of({ state: 'closed' }))
    stored.requests.push(of({ state: 'merged' }))
    stored.requests.push(of({ from: 'eve/tools' }))
    stored.requests.push(of({ from: null }))
    stored.requests.push(of({ head: 'main' }))
    t.equal(await repository.find(head), null)
    t.equal((await repository.fetch(2)).state, 'merged')
    t.match(await repository.fetch(3), { head: { fork: true } })
    t.match(await repository.fetch(4), { head: { fork: true, repository: null } })
    for (let index = 0; index < 120; index++) stored.requests.push(of({ head: `other-${index}` }))
    stored.requests.splice(10, 0, of({ number: 500 }))
    t.equal((await repository.find(head))?.number, 500, 'among many')
  })

  t.test(`${kind}: each refusal says what failed and the next step`, async t => {
    const refusals = [
      ['a-wrong-token', /refused the token \(401/, /gh auth login|new token/],
      ['token-that-reads', /does not let this token open a .* request/, /give the token the right/],
      ['token-without-requests', /accepts no more requests/, /wait/],
      [null, /there is no token for 127/, /gh auth login/],
    ] as const
    for (const [token, message, hint] of refusals) {
      const { repository, stored } = await connect(t, kind, token)
      await t.rejects(repository.open(request), { message, hint }, `${token}`)
      t.equal(stored.requests.length, 0)
    }
    const { repository, stored } = await connect(t, kind)
    await t.rejects(repository.fetch(7), { message: /request 7 in ada\/tools \(404/ })
    await t.rejects(repository.open({ ...request, base: 'nowhere' }), { message: /ada\/tools \(4/ })
    stored.name = 'ada/other'
    await t.rejects(repository.fetch(1), { message: /\(404/, hint: /URL of the remote/ })
  })

  t.test(`${kind}: a private repository is there for its token alone`, async t => {
    const { repository, stored } = await connect(t, kind, null)
    stored.isPrivate = true
    await t.rejects(repository.defaultBranch(), { message: /\(40[14]/ })
    const own = await connect(t, kind, 'token-that-reads')
    own.stored.isPrivate = true
    t.equal(await own.repository.defaultBranch(), 'main')
  })

  t.test(`${kind}: hostile texts stay data`, async t => {
    const { repository, stored, seen } = await connect(t, kind)
    const name = 'x$(touch${IFS}F)&head=main#'
    stored.branches.set(name, 'c'.repeat(40))
    const title = 'a\x1b]0;owned\x07\r\nx-evil: 1\u202e'
    const { pullRequest } = await repository.open({
      ...request,
      head: name,
      title,
      body: 'b\x1b[2J\n',
    })
    t.equal(pullRequest.head.branch, name)
    t.same(await repository.find(name), pullRequest)
    t.match(stored.requests, [{ title: /^a ?x-evil: 1$/, body: 'b\n', head: name }])
    for (const { url, headers } of seen) {
      t.match(url, /^[\x21-\x7e]+$/)
      t.equal(headers['x-evil'], undefined)
    }
    for (const bad of ['--force', 'a\nb', '../main', 'a b']) {
      await t.rejects(repository.open({ ...request, head: bad }), { message: /branch name/ })
      await t.rejects(repository.open({ ...request, base: bad }), { message: /branch name/ })
      await t.rejects(repository.find(bad), { message: /branch name/ })
    }
    await t.rejects(repository.open({ ...request, title: ' \x1b[2J' }), {
      message: /title is empty/,
    })
    await t.rejects(repository.open({ ...request, body: 'x'.repeat(70_000) }), {
      message: /70000 characters/,
      hint: /shorten/,
    })
  })
}

t.test('GitHub: branches without a difference are refused in its words', async t => {
  const { repository } = await connect(t, 'github')
  await t.rejects(repository.open({ ...request, head: 'same' }), {
    message: /422: Validation Failed; No commits between main and same/,
    hint: /pushed and differ/,
  })
})

t.test('GitHub: a fork of the same owner is named', async t => {
  const connected = await connect(t, 'github')
  const fork = addFork(connected, 'ada/copy')
  await connected.repository.open({ ...request, fork })
  const { body = '' } = connected.seen.find(({ method }) => method === 'POST') ?? {}
  t.match(JSON.parse(body), { head: `ada:${head}`, head_repo: 'copy' })
})

t.test('GitHub: a renamed repository is followed within its host', async t => {
  const { repository, stored } = await connect(t, 'github')
  stored.name = 'Ada/Tools'
  t.equal(await repository.defaultBranch(), 'main')
  const { pullRequest } = await repository.open(request)
  t.same(await repository.find(head), pullRequest)
})
