import t from 'tap'
import { marker } from '../support/internet/sites.ts'
import { must, until } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

// What programs in the container find without being configured. Toolchains: full-image.test.ts.
const stack = await createTestStack(t, { allow: ['allowed.test'], worker: true })
const shell = (script: string, service = 'claude') =>
  stack.inside(['bash', '-c', script], { service })

t.test('Node programs use the proxy without being told to', async t => {
  for (const [what, program] of [
    ['fetch', "fetch('https://allowed.test/').then(r => r.text()).then(console.log)"],
    [
      'https',
      "require('https').get('https://allowed.test/', r => r.on('data', d => process.stdout.write(d)))",
    ],
  ] as const) {
    const { stdout, stderr } = await stack.inside(['node', '-e', program])
    t.match(stdout, marker, `${what}: ${stderr}`)
  }
  const refused =
    "fetch('https://evil.test/').then(() => console.log('REACHED'), e => console.log(util.inspect(e)))"
  t.match((await stack.inside(['node', '-e', refused])).stdout, /407/)
})

t.test("requests to the container's own addresses do not go to the proxy", async t => {
  const server =
    "require('http').createServer((q, s) => s.end('own server')).listen(8099, '0.0.0.0')"
  await must('docker', ['exec', '--detach', stack.container('claude'), 'node', '-e', server])
  const wait =
    'for i in $(seq 1000); do (exec 3<>/dev/tcp/127.0.0.1/8099) 2>/dev/null && break; sleep 0.1; done'
  await shell(wait)
  for (const host of ['127.0.0.1', 'localhost', '127.8.9.10', '0.0.0.0', 'claude']) {
    t.equal((await shell(`curl -sS http://${host}:8099/`)).stdout, 'own server', `curl ${host}`)
  }
  // Node reads no ranges.
  for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', 'claude']) {
    const program = `fetch('http://${host}:8099/').then(r => r.text()).then(console.log, console.log)`
    t.equal((await stack.inside(['node', '-e', program])).stdout, 'own server\n', `node ${host}`)
  }
})

const runs = `cd "$(mktemp -d)" && printf '#!/bin/sh\necho ran in %s\n' "$PWD" > x && chmod +x x && ./x`

t.test('a temporary program runs, in sessions and in runs; in /tmp it does not', async t => {
  t.match((await shell(runs)).stdout, /^ran in \/home\/claude\/\.tmp\/tmp\./)
  const { code, stdout } = await stack.cli(['run', `[[bash ${runs.replaceAll('\n', '\\n')}]]`])
  t.equal(code, 0)
  t.match(stdout, /ran in \/home\/claude\/\.tmp\/workspace-[0-9a-f]{12}\/tmp\./)
  for (const service of ['claude', 'worker']) {
    t.not((await shell(`export TMPDIR=/tmp; ${runs}`, service)).code, 0, service)
  }
})

t.test('temporary files end with the container, and nothing else of the home does', async t => {
  for (const service of ['claude', 'worker']) {
    const litter = 'mkdir -p "$TMPDIR/a/b" && touch "$TMPDIR/a/b/c" ~/kept && chmod 000 "$TMPDIR/a"'
    t.equal((await shell(litter, service)).code, 0)
    await must('docker', ['restart', '--timeout', '1', stack.container(service)])
    const look =
      'for i in $(seq 1000); do [ -z "$(ls -A "$TMPDIR")" ] && break; sleep 0.1; done; ls -A "$TMPDIR"; for i in $(seq 1000); do ls -d ~/.tmp.* >/dev/null 2>&1 || break; sleep 0.1; done; ls ~/kept'
    t.equal((await shell(look, service)).stdout, '/home/claude/kept\n', service)
  }
})

t.test('/dev/shm has the size of AGENT_SHM', async t => {
  for (const service of ['claude', 'worker']) {
    const { stdout } = await shell('df --output=size -BM /dev/shm | tail -1', service)
    t.equal(stdout.trim(), '256M', service)
  }
})

t.test('a name that was asked of DNS is told, refused at once and sent nowhere', async t => {
  const label = `direct-${process.pid}`
  for (const service of ['claude', 'worker']) {
    const { code, stdout } = await shell(`getent hosts ${label}.evil.test; echo $?`, service)
    t.equal(`${code} ${stdout}`, '0 2\n', service)
  }
  const told = new RegExp(
    `^blocked: ${label}\\.evil\\.test \\(1×\\), asked without the proxy: the program does not use HTTPS_PROXY`,
    'm',
  )
  const asks = `python3 -c 'import socket; socket.getaddrinfo("${label}.evil.test", 443)'; exit 0\n`
  await until('a second attempt to count', async () => {
    const { stderr } = await stack.cli(['shell'], { input: asks })
    return told.test(stderr) || null
  })
  const allowed = 'python3 -c \'import socket; socket.getaddrinfo("allowed.test", 443)\'; exit 0\n'
  // The container writes a line some time after its answer.
  await until('a listed name', async () => {
    const { stderr } = await stack.cli(['shell'], { input: allowed })
    return /^blocked: allowed\.test \(1×\), asked without the proxy: it is on the list, but/m.test(
      stderr,
    )
  })
  const seen = JSON.stringify(await stack.internet.events())
  t.notMatch(seen, label, 'no resolver of the internet saw the name')

  await t.test('status and log show it too', async t => {
    const status = (await stack.cli(['status'])).stdout
    t.match(status, /^blocked: direct-\d+\.evil\.test \(\d×\), asked without the proxy/m)
    t.match(JSON.parse((await stack.cli(['status', '--json'])).stdout).direct, [
      { name: `${label}.evil.test`, open: false },
      { name: 'allowed.test', open: true },
    ])
    const { stdout } = await stack.cli(['log', '--denied'])
    for (const service of ['claude', 'worker']) {
      t.match(
        stdout,
        new RegExp(
          `^20.{17} blocked agent    DNS ${label}\\.evil\\.test \\(asked without the proxy, in ${service}\\)$`,
          'm',
        ),
      )
    }
    t.match((await stack.cli(['log', '--json'])).stdout, `"host":"${label}.evil.test"`)
  })

  await t.test('forged and broken notes do no harm', async t => {
    const forged = [
      'printf "{\\"event\\":\\"asked-dns\\",\\"name\\":\\"\\\\u001b[31mred.evil.test\\"}\\n" > /proc/1/fd/1',
      'printf "\\001\\002\\001" > /dev/udp/127.0.0.1/53',
      'head -c 600 /dev/urandom > /dev/udp/127.0.0.1/53',
      `getent hosts after-${label}.evil.test`,
      'exit 0\n',
    ].join('; ')
    await until('the name that follows them', async () => {
      const { stderr } = await stack.cli(['shell'], { input: forged })
      t.notMatch(stderr, /red\.evil\.test|\x1b/)
      return stderr.includes(`after-${label}.evil.test`)
    })
    for (const command of [['log'], ['log', '--json'], ['status'], ['status', '--json']]) {
      const { code, stdout } = await stack.cli(command)
      t.equal(code, 0)
      t.notMatch(stdout, /red\.evil\.test|\x1b/, command.join(' '))
    }
  })
})

t.test('Python is there, with virtual environments and libraries that it loads', async t => {
  const script = [
    'set -e; cd "$(mktemp -d)"; python3 -m venv v; cp /usr/lib/*/libz.so.1 own.so',
    `v/bin/python -c 'import ctypes, ssl, sqlite3; print(ctypes.CDLL("./own.so").zlibVersion is not None)'`,
    'v/bin/pip --version | cut -d" " -f1; python --version',
  ].join('\n')
  const { stdout, stderr } = await shell(script)
  t.match(stdout, /^True\npip\nPython 3\./, stderr)
})
