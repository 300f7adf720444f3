import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { exec } from '../../../src/process/exec.ts'
import { startGitHost } from '../../support/git-host/git-host.ts'
import { hostilePushes, line, pack, refs, zeros } from '../../support/git-host/hostile-pushes.ts'
import { apiKey, placeholder, sentinel, startGateway, until } from './fixture.ts'

const token = `${sentinel}-git`
const list = (path: string, push = true) => ({ host: 'git.test', path, push })
const git = {
  repositories: [list('me/app'), list('me/lib', false), list('me/gone')],
  tokens: [{ host: 'git.test', user: 'ada', token }],
}

/** A host with repositories, and a gateway before it. `git` is the user's git in a new folder. */
async function start(
  t: Test,
  options: Partial<Parameters<typeof startGitHost>[1]> & { pack?: { bytes?: number } } = {},
) {
  const root = mkdtempSync(join(tmpdir(), 'git-'))
  t.teardown(() => rmSync(root, { recursive: true, force: true }))
  const repositories = ['me/app', 'me/lib', 'me/application', 'other/app']
  const host = await startGitHost(t, { root, repositories, login: `ada:${token}`, ...options })
  const gateway = await startGateway(t, {
    ...{ upstream: 'http://127.0.0.1:1', gitHosts: { 'git.test': host.url } },
    credential: { ...apiKey, git },
    ...(options.pack && { pack: options.pack }),
  })
  const broker = `${gateway.url}/git/git.test`
  const config = join(root, 'gitconfig')
  writeFileSync(
    config,
    `[user]\n\tname = a\n\temail = a@a.test\n[http "${gateway.url}/git/"]\n\textraHeader = x-api-key: ${placeholder}\n[url "${broker}/"]\n\tinsteadOf = https://git.test/\n`,
  )
  const env = {
    PATH: process.env.PATH,
    HOME: root,
    GIT_CONFIG_GLOBAL: config,
    GIT_TERMINAL_PROMPT: '0',
    LC_ALL: 'C',
  }
  const client = (...args: string[]) => exec('git', ['-C', root, ...args], { env })
  const must = async (...args: string[]) => {
    const result = await client(...args)
    t.equal(result.code, 0, `git ${args.join(' ')}: ${result.stderr}`)
    return result.stdout.trim()
  }
  return { host, gateway, broker, client, must }
}

const post = (
  broker: string,
  body: Buffer | string | Readable,
  headers: Record<string, string> = {},
) =>
  request(`${broker}/me/app/git-receive-pack`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-git-receive-pack-request',
      'x-api-key': placeholder,
      ...headers,
    },
    body: typeof body === 'string' ? Buffer.from(body, 'latin1') : body,
  })

t.test('git fetches a private repository and pushes its own branch, without a token', async t => {
  const { host, gateway, client, must } = await start(t)
  await must('clone', '-q', 'https://git.test/me/app', 'app')
  await must('-C', 'app', 'switch', '-q', '-c', 'claude/topic')
  await must('-C', 'app', 'commit', '-q', '--allow-empty', '-m', 'one')
  const pushed = await client('-C', 'app', 'push', 'origin', 'claude/topic')
  t.match(pushed, { code: 0, stderr: /new branch/ })
  t.equal(
    host.git('me/app', 'rev-parse', 'claude/topic'),
    await must('-C', 'app', 'rev-parse', 'HEAD'),
  )

  await must('-C', 'app', 'commit', '-q', '--allow-empty', '-m', 'two')
  await must('-C', 'app', 'push', '-q', 'origin', 'HEAD')
  await must('-C', 'app', 'commit', '-q', '--amend', '--allow-empty', '-m', 'two, again')
  await must('-C', 'app', 'push', '-q', '--force', 'origin', 'HEAD')
  t.equal(
    host.git('me/app', 'rev-parse', 'claude/topic'),
    await must('-C', 'app', 'rev-parse', 'HEAD'),
  )

  await must('clone', '-q', 'https://git.test/me/lib.git', 'lib')
  await must('-c', 'protocol.version=0', 'clone', '-q', 'https://git.test/me/lib.git', 'lib0')
  for (const { authorization, headers } of host.seen) {
    t.equal(authorization, `Basic ${Buffer.from(`ada:${token}`).toString('base64')}`)
    t.notMatch(JSON.stringify(headers), new RegExp(placeholder))
  }
  const events = JSON.stringify(gateway.events)
  t.match(events, /"route":"git-receive-pack".*"repository":"git.test\/me\/app"/)
  t.notMatch(
    events,
    new RegExp(`${sentinel}|${Buffer.from(token).toString('base64').slice(4, 20)}`),
  )
})

t.test('a large push, which git sends in chunks, passes', async t => {
  const { host, must } = await start(t)
  await must('clone', '-q', 'https://git.test/me/app', 'app')
  await must('-C', 'app', 'config', 'http.postBuffer', '1024')
  await must('-C', 'app', 'commit', '-q', '--allow-empty', '-m', 'x'.repeat(50_000))
  const random = Buffer.from(Array.from({ length: 50_000 }, () => Math.floor(Math.random() * 256)))
  await must('-C', 'app', 'commit', '-q', '--allow-empty', '-m', random.toString('hex'))
  await must('-C', 'app', 'push', '-q', 'origin', 'HEAD:claude/large')
  t.equal(
    host.git('me/app', 'rev-parse', 'claude/large'),
    await must('-C', 'app', 'rev-parse', 'HEAD'),
  )
})

t.test("git shows why it is refused, beside the ref or as the remote's error", async t => {
  const { host, client, must } = await start(t)
  host.git('me/app', 'branch', 'claude/other', 'main')
  await must('clone', '-q', 'https://git.test/me/app', 'app')
  await must('-C', 'app', 'commit', '-q', '--allow-empty', '-m', 'one')
  const refused = async (args: string[], message: RegExp) => {
    const { code, stderr } = await client('-C', 'app', ...args)
    t.not(code, 0, args.join(' '))
    t.match(stderr, message, args.join(' '))
  }
  const push = (...args: string[]) => ['push', ...args]
  const only =
    /\[remote rejected\] HEAD -> main \(claude-secure: only refs\/heads\/claude\/\* can be pushed to\)/
  await refused(push('origin', 'HEAD:main'), only)
  await refused(push('--force', 'origin', 'HEAD:claude/other'), /did not create the branch/)
  await refused(
    push('origin', ':claude/other'),
    /claude\/other \(claude-secure: a branch cannot be deleted\)/,
  )
  await refused(push('--atomic', 'origin', 'HEAD:claude/x'), /does not support --atomic/)
  await refused(push('-o', 'ci.skip', 'origin', 'HEAD:claude/x'), /does not support push options/)
  await refused(push('--signed', 'origin', 'HEAD:claude/x'), /does not support --signed/)
  await refused(
    push('origin', 'HEAD:claude/x', 'HEAD:refs/tags/v1'),
    /claude\/x \(claude-secure: another ref of this push is refused\)/,
  )
  await refused(
    push('https://git.test/me/lib', 'HEAD:claude/x'),
    /remote error: claude-secure: git\.test\/me\/lib can only be fetched from/,
  )
  await refused(
    ['fetch', 'https://git.test/me/application'],
    /remote error: claude-secure: git\.test\/me\/application is not in GIT_REPOSITORIES/,
  )
  await refused(
    ['fetch', 'https://git.test/me/gone'],
    /remote error: claude-secure: git\.test has no such repository.*run \.\/claude\.ts doctor/,
  )
  t.same(host.git('me/app', 'for-each-ref', '--format=%(refname)').split('\n'), [
    'refs/heads/claude/other',
    'refs/heads/main',
  ])
  t.notOk(host.seen.some(({ url }) => /application|me\/lib.*receive-pack/.test(url)))
})

t.test(
  'hostile pushes are answered as stated, byte by byte, and do not reach the host',
  async t => {
    const { host, broker, gateway } = await start(t)
    host.git('me/app', 'branch', 'claude/other', 'main')
    const pushes = hostilePushes(host.git('me/app', 'rev-parse', 'main'))
    t.ok(pushes.length >= 30)
    for (const { name, body, answer, headers } of pushes) {
      const got = await post(broker, body, headers)
      t.equal(got.statusCode, 200, name)
      t.equal(got.headers['content-type'], 'application/x-git-receive-pack-result', name)
      t.equal(Buffer.from(await got.body.arrayBuffer()).toString('latin1'), answer, name)
    }
    t.same(host.seen, [])
    t.notMatch(JSON.stringify(gateway.events), /internal error/)
  },
)

t.test('bytes that come one by one are read as those that come at once', async t => {
  const { host, broker } = await start(t)
  const main = host.git('me/app', 'rev-parse', 'main')
  const send = async (ref: string) => {
    const text = refs([{ ref, next: main }]) + pack()
    const pieces = [...Buffer.from(text, 'latin1')].map(byte => Buffer.from([byte]))
    const got = await request(`${broker}/me/app/git-receive-pack`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-git-receive-pack-request',
        'x-api-key': placeholder,
      },
      body: Readable.from(pieces, { objectMode: false }),
    })
    return got.body.text()
  }
  t.match(await send('refs/heads/main'), /ng refs\/heads\/main claude-secure: only/)
  t.same(host.seen, [])
  t.equal(
    await send('refs/heads/claude/split'),
    `${line('unpack ok\n')}${line('ok refs/heads/claude/split\n')}0000`,
  )
  t.equal(host.git('me/app', 'rev-parse', 'claude/split'), main)
})

t.test('a branch is ours only when the host said so, and stays ours', async t => {
  const { host, broker, gateway } = await start(t)
  const main = host.git('me/app', 'rev-parse', 'main')
  host.git('me/app', 'branch', 'claude/other', 'main')
  const push = async (ref: string, old: string) =>
    (await post(broker, refs([{ ref, old, next: main }]) + pack())).body.text()
  t.match(
    await push('refs/heads/claude/other', zeros),
    /ng refs\/heads\/claude\/other (?!claude-secure)/,
  )
  t.match(await push('refs/heads/claude/other', main), /claude-secure: this stack did not create/)
  t.match(await push('refs/heads/claude/mine', zeros), /ok refs\/heads\/claude\/mine/)
  t.match(await push('refs/heads/claude/mine', main), /ok refs\/heads\/claude\/mine/)
  const next = await startGateway(t, {
    ...{ upstream: 'http://127.0.0.1:1', gitHosts: { 'git.test': host.url } },
    ...{ credential: { ...apiKey, git }, usageFolder: gateway.usageFolder },
  })
  const later = await post(
    `${next.url}/git/git.test`,
    refs([{ ref: 'refs/heads/claude/mine', old: main, next: main }]) + pack(),
  )
  t.match(await later.body.text(), /ok refs\/heads\/claude\/mine/)
})

t.test('a caller that leaves in mid-push ends its own request alone', async t => {
  let reached = 0
  const { broker, gateway, client } = await start(t, {
    answer(request) {
      if (!request.url?.endsWith('/git-receive-pack')) return false
      reached++
      request.resume().once('error', () => {})
      return true
    },
  })
  const begin = refs([{ ref: 'refs/heads/claude/x', next: '1'.repeat(40) }]) + pack({ objects: 9 })
  // In the list of refs, in the pack's head, and in the pack.
  for (const sent of [begin.slice(0, 60), begin.slice(0, 145), begin]) {
    const { pathname, host } = new URL(`${broker}/me/app/git-receive-pack`)
    const socket = connect(gateway.port, '127.0.0.1')
    const head = [
      `POST ${pathname} HTTP/1.1`,
      ...[`host: ${host}`, `x-api-key: ${placeholder}`, 'content-length: 100000'],
      'content-type: application/x-git-receive-pack-request',
    ]
    socket.write(Buffer.from(`${head.join('\r\n')}\r\n\r\n${sent}`, 'latin1'))
    const before = gateway.events.length
    if (sent === begin) await until(() => reached > 0)
    // Behind all that was written, so that the gateway has read it.
    socket.end()
    await until(() => gateway.events.length > before)
    t.match(gateway.events.at(-1), { route: 'git-receive-pack', outcome: 'client-gone' })
  }
  t.match(await client('ls-remote', 'https://git.test/me/app'), { code: 0 })
})

t.test(
  'a pack over the limit is cut off, announced or not, and does not reach its end',
  async t => {
    let ended = 0
    const { broker } = await start(t, {
      pack: { bytes: 1024 * 1024 },
      // git itself would find the pack damaged, and answer before it is too large.
      answer(request, response) {
        request.resume().once('end', () => {
          ended++
          response.end()
        })
        request.once('error', () => {})
        return true
      },
    })
    const ref = 'refs/heads/claude/huge'
    const text = refs([{ ref, next: '1'.repeat(40) }]) + pack({ objects: 9 })
    const body = Buffer.concat([Buffer.from(text, 'latin1'), Buffer.alloc(3 * 1024 * 1024)])
    const reason = 'claude-secure: the pack is larger than 1 MiB'
    const expected = `${line('unpack ok\n')}${line(`ng ${ref} ${reason}\n`)}0000`
    t.equal(await (await post(broker, body)).body.text(), expected)
    const chunks = Readable.from([body.subarray(0, 100_000), body.subarray(100_000)], {
      objectMode: false,
    })
    t.equal(await (await post(broker, chunks)).body.text(), expected)
    t.equal(ended, 0)
  },
)

t.test(
  "a host's refusal is an error of git that names the next step, never a question",
  async t => {
    let answer: { status: number; headers: Record<string, string> } = { status: 500, headers: {} }
    const { client, host } = await start(t, {
      answer(_request, response) {
        response.writeHead(answer.status, answer.headers).end('<html>token</html>')
        return true
      },
    })
    const location = 'http://127.0.0.1:1/elsewhere'
    const cases: [number, RegExp, Record<string, string>?][] = [
      [401, /git\.test refused the token of the host \(401\)/, { 'www-authenticate': 'Basic' }],
      [403, /refused the token of the host \(403\)/],
      [301, /git\.test moved git\.test\/me\/app/, { location }],
      [302, /moved/, { location }],
      [429, /answered with status 429/],
      [500, /answered with status 500/],
      [200, /did not answer as a git server/, { 'content-type': 'text/html' }],
      [200, /not answer/, { 'content-type': 'application/x-git-receive-pack-advertisement' }],
    ]
    for (const [status, message, headers = {}] of cases) {
      answer = { status, headers }
      const { code, stderr } = await client('ls-remote', 'https://git.test/me/app')
      t.equal(code, 128)
      t.match(stderr, message)
      t.match(stderr, /remote error: claude-secure/)
      t.notMatch(stderr, /html|Username/)
    }
    t.equal(host.seen.length, cases.length)
  },
)

t.test(
  'a host that breaks off before its first byte is named, and no fault of the gateway',
  async t => {
    const { client, gateway } = await start(t, {
      answer(_request, response) {
        response.writeHead(200, { 'content-type': 'application/x-git-upload-pack-advertisement' })
        response.flushHeaders()
        setImmediate(() => response.destroy())
        return true
      },
    })
    const { code, stderr } = await client('ls-remote', 'https://git.test/me/app')
    t.equal(code, 128)
    t.match(stderr, /remote error: claude-secure: the connection to .* broke before it answered/)
    t.notMatch(JSON.stringify(gateway.events), /internal error|"kind":"error"/)
  },
)

t.test('nothing but the smart protocol of listed repositories is served', async t => {
  const { host, gateway, broker } = await start(t)
  const ask = async (method: 'GET' | 'POST' | 'PUT', url: string, key = placeholder) => {
    const got = await request(url, { method, headers: { 'x-api-key': key } })
    const text = await got.body.text()
    return `${got.statusCode} ${/ERR .*/.exec(text)?.[0].slice(0, 40) ?? ''}`.trim()
  }
  const info = 'info/refs?service=git-upload-pack'
  t.equal(await ask('GET', `${broker}/me/app/${info}`, 'sk-ant-api03-other'), '403')
  for (const path of ['HEAD', 'info/refs', 'objects/info/packs', `${info}&x=1`, 'info/lfs', 'x']) {
    t.equal(await ask('GET', `${broker}/me/app/${path}`), '403', path)
  }
  t.equal(await ask('PUT', `${broker}/me/app/git-receive-pack`), '403')
  t.equal(await ask('GET', `${broker}/me/app/git-upload-pack`), '403')
  for (const path of [
    'other/app',
    'me/app/..',
    'me//app',
    'ME/app',
    'me/app.git.git',
    'x@me/app',
  ]) {
    t.match(await ask('GET', `${broker}/${path}/${info}`), /^(403|200 ERR claude-secure)/, path)
  }
  t.equal(await ask('GET', `${broker}/me%2fapp/${info}`), '403')
  t.equal(
    await ask('GET', `${gateway.url}/git/127.0.0.1/me/app/${info}`),
    '200 ERR claude-secure: 127.0.0.1/me/app is n',
  )
  t.same(host.seen, [])
})

t.test('without listed repositories there is no such route', async t => {
  const gateway = await startGateway(t, { upstream: 'http://127.0.0.1:1' })
  const url = `${gateway.url}/git/git.test/me/app/info/refs?service=git-upload-pack`
  const got = await request(url, { headers: { 'x-api-key': placeholder } })
  t.equal(got.statusCode, 403)
  t.match(await got.body.text(), /serves POST \/v1\/messages/)
})
