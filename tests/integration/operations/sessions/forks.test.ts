/** Where a session of a fork is pushed to, and where its pull request is opened. */
import t, { type Test } from 'tap'
import { type ForgeKind, forgeKinds } from '../../../../src/git/forge/find-forge.ts'
import { listSessions, sessionStack, writeSession } from '../../../../src/git/session-record.ts'
import { destinationOf } from '../../../../src/operations/sessions/destination.ts'
import { openPullRequest } from '../../../../src/operations/sessions/publish.ts'
import { targetOf } from '../../../../src/operations/sessions/request-target.ts'
import { makeStateFolder, stateFolder } from '../../../../src/stack/state/state-folder.ts'
import { startForge } from '../../../support/forge/forge-stand-in.ts'
import {
  createRepositories,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../../support/git/repositories.ts'

process.env.XDG_STATE_HOME = t.testdir()

/** How each program of a forge gives a token to others. */
const logins: Record<ForgeKind, (host: string) => Record<string, string>> = {
  github: host => ({ GH_HOST: host, GH_ENTERPRISE_TOKEN: 'token-that-writes' }),
  gitlab: host => ({ GITLAB_HOST: `http://${host}`, GITLAB_TOKEN: 'token-that-writes' }),
  gitea: host => ({ GITEA_SERVER_URL: `http://${host}`, GITEA_TOKEN: 'token-that-writes' }),
}

/** A session whose repository has the remote `origin`, which `eve/tools` is a fork of. */
async function setUp(t: Test, kind: ForgeKind, pullRequest: number | null = null) {
  const { host } = await createRepositories(t)
  const forge = await startForge(t, { kind })
  Object.assign(process.env, logins[kind](new URL(forge.origin).host))
  const [stored] = forge.state.repositories
  if (!stored) throw new Error('no repository')
  const branches = new Map([
    ['fix', 'c'.repeat(40)],
    [sessionBranch, 'd'.repeat(40)],
  ])
  const own = { defaultBranch: 'main', requests: [], isPrivate: false }
  forge.state.repositories.push({ ...own, name: 'eve/tools', parent: 'ada/tools', branches })
  gitIn(host, ['remote', 'add', 'origin', forge.remote])
  const { name: stack } = sessionStack(host, sessionName)
  await makeStateFolder(stateFolder(stack))
  await writeSession(stack, {
    ...{ version: 1, session: sessionName, folder: host, branch: sessionBranch, base: null },
    ...{ target: 'main', started: '2026-11-30T08:00:00.000Z', remoteBranch: null },
    ...{ pullRequest, mayPush: true, mayOpenPullRequest: true },
  })
  const [session] = await listSessions({ folder: host })
  if (!session) throw new Error('no session')
  const fork = `${forge.origin}/eve/tools.git`
  const addRemote = (name: string, url = fork) => gitIn(host, ['remote', 'add', name, url])
  return { session, forge, stored, fork, addRemote, host }
}

const request = { title: 't', body: 'b', head: 'fix', base: 'main', draft: false }

for (const kind of forgeKinds) {
  t.test(`${kind}: a branch that was pushed to a fork is for the repository of origin`, async t => {
    const { session, forge, stored, addRemote } = await setUp(t, kind)
    const alone = await targetOf(session, await destinationOf(session))
    t.match({ ...alone, forge: alone.forge.repository }, { fork: null, forge: 'ada/tools' })
    t.same(
      forge.seen.filter(({ url }) => /projects|repos/.test(url)),
      [],
      'no need to ask',
    )

    addRemote('mine')
    const destination = await destinationOf(session, { remote: 'mine' })
    const target = await targetOf(session, destination)
    t.equal(target.forge.repository, 'ada/tools')
    t.same(target.fork, ['eve', 'tools'])
    const text = { title: 'Fix it', body: 'Because' }
    t.match(await openPullRequest(session, destination, text), { opened: true })
    t.match(stored.requests, [{ from: 'eve/tools', head: sessionBranch, base: 'main' }])

    const inside = await targetOf(session, destination, { into: 'mine' })
    t.match({ ...inside, forge: inside.forge.repository }, { fork: null, forge: 'eve/tools' })
    addRemote('elsewhere', 'https://forge.invalid/ada/tools.git')
    await t.rejects(targetOf(session, destination, { into: 'elsewhere' }), {
      message: /elsewhere is not at 127\.0\.0\.1/,
      hint: /--remote/,
    })
    // Its own fork as origin: the other remote is what was forked.
    const swapped = await targetOf(session, { url: destination.url })
    t.same(swapped.fork, ['eve', 'tools'])
  })

  t.test(`${kind}: a repository that is not a fork gets its pull requests itself`, async t => {
    const { session, forge, addRemote } = await setUp(t, kind)
    for (const one of forge.state.repositories) delete one.parent
    addRemote('mine')
    const target = await targetOf(session, await destinationOf(session, { remote: 'mine' }))
    t.match({ ...target, forge: target.forge.repository }, { fork: null, forge: 'eve/tools' })
  })

  t.test(`${kind}: a session of a fork's pull request is pushed there if it may be`, async t => {
    const { session, stored, fork, addRemote } = await setUp(t, kind, 1)
    const one = { ...request, number: 1, state: 'open' as const, from: 'eve/tools' }
    stored.requests.push(one)
    await t.rejects(destinationOf(session), {
      message: /request 1 is of eve\/tools, whose owner lets no one else push/,
      hint: /allow edits by maintainers, or push to a branch of your own: .*push .* --branch claude\//,
    })
    Object.assign(one, { isOpenToPushes: true })
    t.same(await destinationOf(session), {
      ...{ remote: 'eve/tools', url: fork, branch: 'fix', isItsBeginning: true },
    })
    t.match(await destinationOf(session, { branch: 'other' }), {
      remote: 'origin',
      branch: 'other',
    })
    Object.assign(one, { from: null })
    await t.rejects(destinationOf(session), { message: /the fork of .* request 1 is gone/ })

    // Its own author needs nobody's leave.
    Object.assign(one, { from: 'eve/tools', isOpenToPushes: false })
    addRemote('mine')
    t.match(await destinationOf(session), { remote: 'mine', url: fork, branch: 'fix' })
  })
}
