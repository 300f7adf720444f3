import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { untilText } from '../../src/egress/list-entries.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { allow: ['allowed.test'] })
const policy = join(stack.checkout, 'proxy/squid.conf')
const shipped = await readFile(policy, 'utf8')
const text = () => readFile(policy, 'utf8')
/** Nothing is waited for: what a command said was in force is. */
const reached = async (name: string) =>
  (await stack.inside(['curl', '-sSk', '--max-time', '60', `https://${name}/`])).stdout.includes(
    `reached-the-internet ${name}`,
  )
const proxyLog = async () => (await run('docker', ['logs', stack.container('proxy')])).stdout

async function cli(...args: string[]) {
  const outcome = await stack.cli(args)
  if (outcome.code !== 0) throw new Error(`claude.ts ${args.join(' ')}: ${outcome.stderr}`)
  return outcome
}

/** A tunnel that is opened, held while the list changes, and used again. */
const tunnel = (name: string) => `
  const net = require('net'), tls = require('tls'), fs = require('fs')
  const socket = net.connect(3128, 'proxy')
  socket.write('CONNECT ${name}:443 HTTP/1.1\\r\\nHost: ${name}:443\\r\\n\\r\\n')
  socket.once('data', () => {
    const secure = tls.connect({ socket, servername: '${name}', rejectUnauthorized: false }, () => {
      fs.writeFileSync('/tmp/held', '')
      const timer = setInterval(() => {
        if (!fs.existsSync('/tmp/go')) return
        clearInterval(timer)
        secure.write('GET / HTTP/1.1\\r\\nHost: ${name}\\r\\nConnection: close\\r\\n\\r\\n')
      }, 50)
    })
    secure.on('data', data => process.stdout.write(data))
    secure.on('error', error => { console.log(error.message); process.exit(1) })
    secure.on('end', () => process.exit())
  })`

t.test('allow opens a name, deny closes it, and an open tunnel continues', async t => {
  t.notOk(await reached('other.test'))
  const held = stack.inside(['node', '-e', tunnel('allowed.test')], {})
  await until(
    'the tunnel',
    async () => (await stack.inside(['test', '-e', '/tmp/held'])).code === 0,
  )

  const first = await cli('allow', 'https://Other.test/some/page')
  t.equal(first.stdout, '+ other.test (agent)\n')
  t.match(first.stderr, /applied in \d+\.\d s to claude-secure-/)
  t.ok(await reached('other.test'))

  const second = await cli('allow', 'other.test')
  t.equal(second.stdout, '= other.test (agent) was already allowed\n')

  t.equal((await cli('deny', 'other.test', 'allowed.test')).stdout.split('\n').length, 3)
  t.notOk(await reached('other.test'))
  t.notOk(await reached('allowed.test'))
  await stack.inside(['touch', '/tmp/go'])
  t.match((await held).stdout, /reached-the-internet allowed\.test/, 'over an allow and a deny')

  t.equal((await cli('deny', 'other.test')).stdout, '= other.test (agent) was not allowed\n')
  await cli('allow', 'allowed.test')
  t.equal(await text(), shipped, 'and the file is as it was')
})

t.test('dangerous names are refused, and the file is not touched', async t => {
  const { ino } = await stat(policy)
  for (const name of ['203.0.113.7', 'com', 's3.amazonaws.com', 'github.io', '*.other.test']) {
    const { code, stderr } = await stack.cli(['allow', 'evil.test', name])
    t.equal(code, 1, name)
    t.match(stderr, /^error: .*\nhint: {2}.*\n$/, name)
  }
  t.equal((await stat(policy)).ino, ino)
})

t.test('a dry run and JSON show the difference', async t => {
  const { stdout } = await cli('allow', 'evil.test', '--for', '2h', '--dry-run', '--json')
  t.match(JSON.parse(stdout), {
    dryRun: true,
    changes: [{ kind: 'added', name: 'evil.test', for: 'agent', until: /^20\d\d-.*Z$/ }],
    applied: [],
  })
  t.equal(await text(), shipped)
})

t.test('a wildcard is accepted on request', async t => {
  await cli('allow', '--subdomains', 'allowed.test')
  t.ok(await reached('allowed.test'))
  await cli('deny', '*.allowed.test')
  await cli('allow', 'allowed.test')
  t.equal(await text(), shipped)
})

t.test('mode and owner of the file stay', async t => {
  await chmod(policy, 0o664)
  await must('chown', ['4242:4242', policy])
  await cli('allow', 'other.test')
  const { mode, uid, gid } = await stat(policy)
  t.same([mode & 0o777, uid, gid], [0o664, 4242, 4242])
  await cli('deny', 'other.test')
})

t.test('an edit that Squid rejects leaves file and policy alone', async t => {
  // Squid itself only grumbles at this one, and would go on without the rule.
  const broken = shipped.replace('http_access deny !dns_name', 'http_access dny !dns_name')
  await writeFile(policy, broken)
  await until('the proxy to refuse it', async () => /policy-refused.*dny/.test(await proxyLog()))
  const refusals = (await proxyLog()).split('policy-refused').length
  isTwoLines(t, await stack.cli(['allow', 'evil.test']), {
    error: /Squid rejected the edit: .*http_access dny !dns_name/,
    hint: /nothing was changed/,
  })
  t.equal(await text(), broken)
  t.notOk(await reached('evil.test'))
  t.equal((await proxyLog()).split('policy-refused').length, refusals, 'it was only asked')
  await writeFile(policy, shipped)
  await until('the file to be in force', async () => reached('allowed.test'))
})

t.test('edits at the same moment lose nothing', async t => {
  const names = ['a.example.test', 'b.example.test', 'c.example.test', 'other.test']
  await Promise.all(names.map(name => cli('allow', name)))
  const { agent } = JSON.parse((await cli('allowlist', '--json')).stdout)
  t.same(agent.map(({ name }: { name: string }) => name).sort(), [...names, 'allowed.test'].sort())
  t.ok(await reached('other.test'))
  await cli('deny', ...names)
  t.equal(await text(), shipped)
})

t.test('a name that is opened for a limited time closes by itself', async t => {
  await t.test('also over a restart of the proxy', async t => {
    await cli('allow', 'other.test', '--for', '2h')
    const lasting = await text()
    t.match(lasting, /^acl allowed_sites dstdomain -n other\.test # until 20\d\d-.*Z$/m)
    const since = Date.now()
    await must('docker', ['restart', stack.container('proxy')])
    await until('the proxy', async () => reached('allowed.test'))
    t.ok(await reached('other.test'), 'a restart does not end it')

    // The next end comes soon after a start, and after what is asked of it before: later if this takes longer.
    let edited = ''
    for (let left = 2 * (Date.now() - since) + 5_000; ; left *= 2) {
      await must('docker', ['stop', stack.container('proxy')])
      const end = new Date(Date.now() + left)
      edited = lasting.replace(/# until \S+/, `# until ${untilText(end)}`)
      await writeFile(policy, edited)
      await must('docker', ['start', stack.container('proxy')])
      await until('the proxy', async () => reached('allowed.test'))
      const isOpen = await reached('other.test')
      const { stdout } = await cli('allowlist')
      // The time in the file has whole seconds.
      if (Date.now() > end.getTime() - 1_000) continue
      t.ok(isOpen, 'a start does not end it')
      t.match(stdout, /other\.test {2}until .* UTC \(\d+ s\)/)
      break
    }
    await until('its end', async () => !(await reached('other.test')))
    t.ok(await reached('allowed.test'), 'nothing else ended')
    t.equal(await text(), edited, 'no command had to run for it')
    t.match((await cli('allowlist')).stdout, /other\.test {2}expired/)
  })

  await t.test('also when it expires while nothing runs', async t => {
    await cli('allow', 'other.test', '--for', '1s')
    await must('docker', ['stop', stack.container('proxy')])
    await until('its time', async () =>
      /other\.test {2}expired/.test((await cli('allowlist')).stdout),
    )
    await must('docker', ['start', stack.container('proxy')])
    await until('the proxy', async () => reached('allowed.test'))
    t.notOk(await reached('other.test'))
  })

  await t.test('also when the file became invalid meanwhile', async t => {
    // Long enough for a look at the name and at the changed file, however slow this machine is.
    for (let seconds = 8; ; seconds *= 2) {
      const before = (await proxyLog()).length
      await cli('allow', 'other.test', '--for', `${seconds}s`)
      const isOpen = await reached('other.test')
      await writeFile(policy, `${await text()}\nhttp_access alow all\n`)
      await until('its end', async () => !(await reached('other.test')))
      const since = async () => (await proxyLog()).slice(before)
      await until('the word of it', async () => (await since()).includes('policy-expired'))
      if (/policy-refused[\s\S]*policy-expired/.test(await since())) {
        t.ok(isOpen)
        break
      }
      // It had ended before the proxy looked at the file.
      await writeFile(policy, shipped)
    }
    t.ok(await reached('allowed.test'), 'the rest of the policy that was stays in force')
    await writeFile(policy, shipped)
    await until(
      'the file to be accepted',
      async () => JSON.parse((await cli('status', '--json')).stdout).allowlist.refused === null,
    )
  })

  await t.test('an unreadable time opens nothing', async t => {
    await writeFile(
      policy,
      shipped.replace(
        /^(acl allowed_sites dstdomain -n)\n/m,
        '$1\n$1 other.test # until tomorrow\n',
      ),
    )
    await until('the refusal', async () => /policy-refused.*until/.test(await proxyLog()))
    t.notOk(await reached('other.test'))
    t.match((await stack.cli(['status'])).stderr, /line 6: `# until` needs a list and a time/)
    await writeFile(policy, shipped)
  })
})

t.test('a proxy that stops watching its policy exits, and restarts', async t => {
  const count = async () =>
    Number(await must('docker', ['inspect', '-f', '{{.RestartCount}}', stack.container('proxy')]))
  const before = await count()
  const killSleep =
    'for p in /proc/[0-9]*; do read -r c < $p/comm; [ "$c" = sleep ] && kill $(basename $p); done'
  await until('the restart', async () => {
    // Between two looks it sleeps; only that sleep ends the watch.
    await stack.inside(['sh', '-c', killSleep], { service: 'proxy' })
    return (await count()) > before
  })
  await until('the proxy', async () => reached('allowed.test'))
  t.notOk(await reached('other.test'))
})

t.test('a blocked name is reported once, with the command that opens it', async t => {
  // A session ends when the log has its last request: the proxy writes it some time after the answer.
  const ask = (file: string) =>
    `for i in 1 2 3; do curl -sS https://evil.test/; done; touch /tmp/asked-${file}; while [ ! -e /tmp/${file} ]; do sleep 0.1; done; exit 0`
  const refusals = async () => (await proxyLog()).split('"host":"evil.test"').length
  async function asking(file: string) {
    const before = await refusals()
    const session = stack.cli(['shell'], { input: ask(file) })
    const isAsked = async () =>
      (await stack.inside(['test', '-e', `/tmp/asked-${file}`])).code === 0
    await until('the requests', isAsked)
    await until('their lines', async () => (await refusals()) >= before + 3)
    await stack.inside(['touch', `/tmp/${file}`])
    return session
  }
  const told = /^blocked: evil\.test \(3×\), \S*\/claude\.ts allow --here evil\.test$/m
  const first = await asking('first')
  t.equal(first.code, 0)
  t.match(first.stderr, told)
  t.match(first.stdout + first.stderr, /407/)
  t.notMatch((await stack.cli(['shell'], { input: 'exit 0' })).stderr, /blocked/)

  const wait = 'touch /tmp/second; while [ ! -e /tmp/end ]; do sleep 0.1; done'
  const second = stack.cli(['shell'], { input: wait })
  await until('it', async () => (await stack.inside(['test', '-e', '/tmp/second'])).code === 0)
  t.match((await asking('beside')).stderr, told)
  await stack.inside(['touch', '/tmp/end'])
  t.notMatch((await second).stderr, /blocked/, 'nor after a session beside it')

  t.match(
    (await cli('status')).stdout,
    /^blocked: evil\.test \(\d+×\), \S*\/claude\.ts allow --here evil\.test$/m,
  )
  const { blocked } = JSON.parse((await cli('status', '--json')).stdout)
  t.ok(blocked.some(({ name }: { name: string }) => name === 'evil.test'))
  await cli('allow', 'evil.test')
  t.notMatch((await cli('status')).stdout, /blocked: evil\.test/, 'what is open now is no news')
  await cli('deny', 'evil.test')
})

t.test('it is reported after a session of Claude Code too', async t => {
  const terminal = await stack.terminal(['start'])
  await terminal.waitFor(/^\s*[│>❯]/m)
  await stack.inside(['curl', '-sS', 'https://session.evil.test/'])
  await until('the line', async () => (await proxyLog()).includes('"session.evil.test"'))
  await terminal.press('C-\\')
  await terminal.waitFor(
    /^blocked: session\.evil\.test \(1×\), \S*\/claude\.ts allow --here session\.evil\.test/m,
  )
  t.equal(await terminal.exitStatus(), 0)
  const again = await stack.terminal(['start'])
  await again.waitFor(/^\s*[│>❯]/m)
  await again.press('C-\\')
  t.equal(await again.exitStatus(), 0)
  t.notMatch(await again.screen(), /blocked: session/)
})

t.test('log shows decisions, and no name in it controls the terminal', async t => {
  const forged = 'GET http://a","verdict":"allowed","x":".evil.test/ HTTP/1.1\\r\\n\\r\\n'
  const sequence = 'GET http://\\x1b]0;owned\\x07\\x9b31m.evil.test/ HTTP/1.1\\r\\n\\r\\n'
  const path = 'GET http://path.evil.test/","verdict":"allowed","x":" HTTP/1.1\\r\\n\\r\\n'
  const plain = 'GET http://plain.evil.test/ HTTP/1.1\\r\\n\\r\\n'
  for (const request of [forged, sequence, path, plain]) {
    const line = `exec 3<>/dev/tcp/proxy/3128; printf '${request}' >&3; cat <&3`
    await stack.inside(['bash', '-c', line])
  }
  const denied = await until('the lines', async () => {
    const { stdout } = await cli('log', '--denied')
    return /GET plain\.evil\.test/.test(stdout) && stdout
  })
  t.match(denied, /(denied {2}- {8}- \(malformed\)[\s\S]*){3}/, 'Squid takes no such target')
  t.match(denied, /denied {2}agent {4}GET plain\.evil\.test/)
  t.match(denied, /denied {2}agent {4}CONNECT evil\.test:443 \(not-listed\)/)
  t.notMatch(denied, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  t.notMatch(denied, / allowed /)
  t.match((await cli('log')).stdout, / allowed agent {4}CONNECT allowed\.test:443 /)

  const { stdout } = await cli('log', '--json', '--since', '10m')
  t.notMatch(stdout, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  const decisions = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  t.ok(decisions.every(({ verdict }) => verdict === 'allowed' || verdict === 'denied'))
  const future = new Date(Date.now() + 60_000).toISOString()
  t.equal((await cli('log', '--since', future)).stdout, '')

  const following = await stack.terminal(['log', '--denied', '-f', '--since', '1s'])
  await until('the line', async () => {
    await reached('follow.evil.test')
    return (await following.screen()).includes('follow.evil.test:443')
  })
})
