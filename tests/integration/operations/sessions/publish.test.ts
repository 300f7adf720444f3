import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import t from 'tap'
import { listSessions, sessionStack, writeSession } from '../../../../src/git/session-record.ts'
import { destinationOf } from '../../../../src/operations/sessions/destination.ts'
import { openPullRequest, pushSession } from '../../../../src/operations/sessions/publish.ts'
import { makeStateFolder, stateFolder } from '../../../../src/stack/state/state-folder.ts'
import { startForge } from '../../../support/forge/forge-stand-in.ts'
import { startGitServer } from '../../../support/forge/git-server.ts'
import {
  createRepositories,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../../support/git/repositories.ts'

process.env.XDG_STATE_HOME = t.testdir()

t.test('a session is pushed as it was seen, and becomes one pull request', async t => {
  const made = await createRepositories(t)
  const { host } = made
  const root = join(host, '../remotes')
  mkdirSync(join(root, 'ada'), { recursive: true })
  const bare = join(root, 'ada/tools.git')
  gitIn(host, ['clone', '--quiet', '--bare', host, bare])
  gitIn(bare, ['config', 'http.receivepack', 'true'])
  const forge = await startForge(t, { kind: 'gitea' })
  const server = await startGitServer(t, {
    root,
    login: 'oauth2:token-that-writes',
    before(incoming, answer) {
      if (!incoming.url?.startsWith('/api/')) return false
      const { method, headers } = incoming
      const onward = request(`${forge.origin}${incoming.url}`, { method, headers }, reply => {
        answer.writeHead(reply.statusCode ?? 500, reply.headers)
        reply.pipe(answer)
      })
      incoming.pipe(onward)
      return true
    },
  })
  gitIn(host, ['remote', 'add', 'origin', `${server.origin}/ada/tools.git`])
  process.env.GITEA_SERVER_URL = server.origin
  process.env.GITEA_TOKEN = 'token-that-writes'

  const { name: stack } = sessionStack(host, sessionName)
  await makeStateFolder(stateFolder(stack))
  await writeSession(stack, {
    ...{ version: 1, session: sessionName, folder: host, branch: sessionBranch },
    base: gitIn(host, ['rev-parse', 'HEAD']).trim(),
    ...{ target: 'main', started: '2026-11-30T08:00:00.000Z', remoteBranch: null },
    ...{ pullRequest: null, mayPush: true, mayOpenPullRequest: true },
  })
  const [session] = await listSessions({ folder: host })
  if (!session) throw new Error('no session')
  const seen = made.commit('seen', { 'b.txt': 'two\n' })
  await made.deliver()
  made.commit('not seen')
  await made.deliver()

  const destination = await destinationOf(session)
  t.match(destination, { remote: 'origin', branch: sessionBranch })
  t.match(await pushSession(session, destination, seen), { outcome: 'created', commit: seen })
  t.equal(gitIn(bare, ['rev-parse', sessionBranch]).trim(), seen)
  t.notMatch(gitIn(bare, ['for-each-ref']), 'refs/claude')

  const [repository] = forge.state.repositories
  repository?.branches.set(sessionBranch, seen)
  const text = { title: 'Fix it', body: 'Because' }
  const first = await openPullRequest(session, destination, text)
  t.match(first, { opened: true, pullRequest: { title: 'Fix it', base: 'main', state: 'open' } })
  const again = await openPullRequest(session, destination, text)
  t.match(again, { opened: false, pullRequest: { number: first.pullRequest.number } })

  const home = join(host, '../home')
  mkdirSync(home)
  const key = join(home, 'key')
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', key])
  const user = `[user]\n\tsigningKey = ${key}.pub\n\temail = a@x.test\n[gpg]\n\tformat = ssh\n`
  writeFileSync(join(home, '.gitconfig'), user)
  process.env.HOME = home
  const signing = await destinationOf(session, { branch: 'claude/signed' })
  const signed = await pushSession(session, signing, seen, { sign: true })
  t.not(signed.commit, seen)
  t.match(gitIn(bare, ['cat-file', 'commit', 'claude/signed']), /^gpgsig -----BEGIN SSH SIGNATURE/m)
  t.equal(
    gitIn(bare, ['rev-parse', 'claude/signed^{tree}']),
    gitIn(bare, ['rev-parse', `${seen}^{tree}`]),
  )
  const repeated = await pushSession(session, signing, seen, { sign: true })
  t.match(repeated, { outcome: 'unchanged', commit: signed.commit })

  for (const branch of ['main', 'refs/heads/x', '--mirror', 'a..b']) {
    const there = await destinationOf(session, { branch })
    await t.rejects(pushSession(session, there, seen), branch)
  }
  await t.rejects(openPullRequest(session, destination, { ...text, base: sessionBranch }), {
    message: /into itself/,
  })
  await t.rejects(destinationOf(session, { remote: 'other' }), { message: /has no remote other/ })
})
