/** A login that `doctor` finds is used where it says: for pushes, pull requests, and by the gateway. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { silentLog } from '../../../../src/base/log.ts'
import {
  findHostCredentials,
  judgeHostCredentials,
} from '../../../../src/doctor/host-credentials.ts'
import { listSessions, sessionStack, writeSession } from '../../../../src/git/session-record.ts'
import { destinationOf } from '../../../../src/operations/sessions/destination.ts'
import { openPullRequest, pushSession } from '../../../../src/operations/sessions/publish.ts'
import { gitAccess } from '../../../../src/operations/start/git-access.ts'
import { makeStateFolder, stateFolder } from '../../../../src/stack/state/state-folder.ts'
import { startForge } from '../../../support/forge/forge-stand-in.ts'
import { serveGit } from '../../../support/forge/git-server.ts'
import {
  createRepositories,
  gitIn,
  sessionBranch,
  sessionName,
} from '../../../support/git/repositories.ts'

const token = 'token-that-writes'

/** Where a person's login is, and as whom git logs in with it. */
const places: readonly {
  source: string
  user: string
  env?: (host: string) => Record<string, string>
  files?: (host: string) => Record<string, string>
}[] = [
  {
    source: 'GITEA_TOKEN of the environment',
    user: 'oauth2',
    env: (host: string) => ({ GITEA_TOKEN: token, GITEA_SERVER_URL: `http://${host}` }),
  },
  {
    source: 'the login of gh',
    user: 'x-access-token',
    files: (host: string) => ({
      '.config/gh/hosts.yml': `"${host}":\n    user: ada\n    oauth_token: ${token}\n`,
    }),
  },
  {
    source: 'the login of glab',
    user: 'oauth2',
    files: (host: string) => ({
      '.config/glab-cli/config.yml': `hosts:\n    "${host}":\n        token: ${token}\n`,
    }),
  },
  {
    source: "git's credential helper",
    user: 'ada',
    files: (host: string) => ({
      '.gitconfig': '[credential]\n\thelper = store\n',
      '.git-credentials': `https://ada:${token}@${host}\n`,
    }),
  },
  {
    source: '~/.netrc',
    user: 'ada',
    files: (host: string) => ({ '.netrc': `machine ${host} login ada password ${token}\n` }),
  },
]

for (const place of places) {
  const { source, user } = place
  t.test(`${source} is found, and used for what doctor says`, async t => {
    const made = await createRepositories(t)
    const { host: folder } = made
    const root = join(folder, '../remotes')
    const bare = join(root, 'ada/tools.git')
    mkdirSync(dirname(bare), { recursive: true })
    gitIn(folder, ['clone', '--quiet', '--bare', folder, bare])
    gitIn(bare, ['config', 'http.receivepack', 'true'])
    const authorizations = new Set<string | undefined>()
    const forge = await startForge(t, {
      kind: 'gitea',
      before(request, response) {
        if (!request.url?.startsWith('/ada/tools.git/')) return false
        authorizations.add(request.headers.authorization)
        serveGit({ root, login: `${user}:${token}` }, request, response)
        return true
      },
    })
    const { host } = new URL(forge.origin)
    const home = join(folder, '../home')
    const files = place.files?.(host) ?? {}
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(home, name)), { recursive: true })
      writeFileSync(join(home, name), text, { mode: 0o600 })
    }
    const given = place.env?.(host) ?? {}
    const before = { ...process.env }
    t.teardown(() => {
      process.env = before
    })
    // As on a machine without gh.
    process.env = {
      PATH: '/usr/bin:/bin',
      HOME: home,
      XDG_STATE_HOME: join(home, 'state'),
      ...given,
    }

    const listed = { host, path: 'ada/tools', push: true }
    const found = await findHostCredentials([listed])
    t.match(found.tokens, [{ host, source }])
    const said = judgeHostCredentials(found, [listed]).map(({ message }) => message)
    t.match(said[0], `${source}: token for ${host}, used on this host when you push or open`)
    t.match(said[0], `and by the gateway for ${host}/ada/tools; no agent gets it`)
    t.notMatch(said.join(), token)

    t.match(await gitAccess([listed], silentLog), { tokens: [{ host, user, token }] })

    gitIn(folder, ['remote', 'add', 'origin', forge.remote])
    const { name: stack } = sessionStack(folder, sessionName)
    await makeStateFolder(stateFolder(stack))
    await writeSession(stack, {
      ...{ version: 1, session: sessionName, folder, branch: sessionBranch, base: null },
      ...{ target: 'main', started: '2026-11-30T08:00:00.000Z', remoteBranch: null },
      ...{ pullRequest: null, mayPush: true, mayOpenPullRequest: true },
    })
    const [session] = await listSessions({ folder })
    if (!session) throw new Error('no session')
    const commit = made.commit('seen', { 'b.txt': 'two\n' })
    await made.deliver()
    const destination = await destinationOf(session)
    t.match(await pushSession(session, destination, commit), { outcome: 'created' })
    t.ok(authorizations.has(`Basic ${Buffer.from(`${user}:${token}`).toString('base64')}`))
    forge.state.repositories[0]?.branches.set(sessionBranch, commit)
    const opened = await openPullRequest(session, destination, { title: 'Fix it', body: '' })
    t.match(opened, { opened: true })
    t.ok(forge.seen.some(({ headers }) => headers.authorization === `token ${token}`))
  })
}
