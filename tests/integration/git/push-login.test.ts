import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startGitServer } from '../../support/forge/git-server.ts'
import { setUpPush, token } from '../../support/forge/pushing.ts'

t.test('over http a token logs in, at its host alone, and is seen nowhere', async t => {
  const shown: string[] = []
  const { pushing, folder, scratch, tip, commit } = await setUpPush(t)
  const server = await startGitServer(t, {
    root: folder,
    login: `ada:${token}`,
    before: () => {
      shown.push(...processesWith(token))
      return false
    },
  })
  const url = `${server.origin}/ada/tools.git`
  const asked: string[] = []
  const login = async (host: string) => {
    asked.push(host)
    return { user: 'ada', token }
  }
  t.match(await pushing({ url, login }), { outcome: 'created' })
  t.equal(tip(), commit)
  t.same(asked, [server.host])
  t.ok(server.seen.some(({ url }) => url.endsWith('git-receive-pack')))
  t.same(shown, [])
  t.same(readdirSync(scratch), [])

  const wrong = async () => ({ user: 'ada', token: `${token}-old` })
  const refused = await pushing({ url, branch: 'b', login: wrong }).catch(error => error)
  t.match(refused, { message: /refused the token/, hint: /log in/ })
  t.notMatch(JSON.stringify([refused.message, refused.hint, String(refused.cause)]), /ghp_/)
  await t.rejects(
    pushing({ url, branch: 'b', login: async () => ({ user: 'a', token: 'a\nb' }) }),
    {
      message: /characters that a token cannot have/,
    },
  )
})

t.test('a redirect to another host gets neither the token nor the commits', async t => {
  const { pushing, folder } = await setUpPush(t)
  const other = await startGitServer(t, { root: folder, login: `ada:${token}` })
  const server = await startGitServer(t, {
    root: folder,
    before: (request, response) => {
      response.writeHead(302, { location: `${other.origin}${request.url}` }).end()
      return true
    },
  })
  const url = `${server.origin}/ada/tools.git`
  await t.rejects(pushing({ url, login: async () => ({ user: 'ada', token }) }), {
    message: /has moved/,
    hint: /set-url/,
  })
  t.same(other.seen, [])
})

t.test('a token leaves this machine over https alone', async t => {
  const { pushing } = await setUpPush(t)
  let asked = 0
  const login = async () => {
    asked++
    return { user: 'ada', token }
  }
  await t.rejects(pushing({ url: 'http://forge.invalid/ada/tools', login }), {
    message: /cannot push to forge.invalid/,
  })
  t.equal(asked, 0)
})

t.test('a login is in the memory of the user where there is one, and nowhere after', async t => {
  const { pushing, folder, scratch } = await setUpPush(t)
  const runtime = join(folder, 'runtime')
  mkdirSync(runtime, { mode: 0o700 })
  const own = join(runtime, 'claude-secure')
  const logins: string[][] = []
  const server = await startGitServer(t, {
    root: folder,
    login: `ada:${token}`,
    before: () => {
      const names = existsSync(own) ? readdirSync(own) : []
      const files = names.map(name => join(own, name, 'login')).filter(existsSync)
      logins.push(files)
      for (const file of files) t.equal(statSync(file).mode & 0o777, 0o600)
      return false
    },
  })
  const before = process.env.XDG_RUNTIME_DIR
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_RUNTIME_DIR
    else process.env.XDG_RUNTIME_DIR = before
  })
  process.env.XDG_RUNTIME_DIR = runtime
  const url = `${server.origin}/ada/tools.git`
  const login = async () => ({ user: 'ada', token })
  t.match(await pushing({ url, login }), { outcome: 'created' })
  t.ok(logins.some(files => files.length === 1))
  t.notOk(existsSync(scratch))
  t.same(readdirSync(own), [])
  // Another user could read it there.
  chmodSync(runtime, 0o755)
  t.match(await pushing({ url, login, branch: 'b' }), { outcome: 'created' })
  t.ok(existsSync(scratch))
})

/** Processes that show a text in their arguments or environment. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').flatMap(id =>
    ['cmdline', 'environ'].flatMap(file => {
      try {
        const shown = readFileSync(`/proc/${id}/${file}`, 'latin1')
        return shown.includes(text) ? [`${id} ${shown}`] : []
      } catch {
        return []
      }
    }),
  )
}
