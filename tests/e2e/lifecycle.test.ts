import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { repetitions } from '../support/soak.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, type Outcome } from '../support/stack/process.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { block: 2, start: false, files: { 'a.txt': 'mine\n' } })

async function resources() {
  const filter = ['--quiet', '--filter', `label=com.docker.compose.project=${stack.stack}`]
  const list = async (...args: string[]) =>
    (await must('docker', [...args, ...filter])).split('\n').filter(Boolean)
  return {
    containers: await list('container', 'ls', '--all'),
    networks: await list('network', 'ls'),
    volumes: await list('volume', 'ls'),
  }
}
const status = async () => JSON.parse((await stack.cli(['status', '--json'])).stdout)

/** Runs claude.ts as a terminal does, in a process group of its own, and sends it a signal on the way. */
function interruptedAfter(milliseconds: number, signal: NodeJS.Signals, args: readonly string[]) {
  return new Promise<Outcome>((resolve, reject) => {
    const child = spawn(join(stack.checkout, 'claude.ts'), args, {
      cwd: stack.workspace,
      env: stack.env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', chunk => {
      stdout += chunk
    })
    child.stderr.on('data', chunk => {
      stderr += chunk
    })
    child.once('error', reject)
    // The launcher is a shell: until Node runs, the signal itself ends it.
    child.once('close', code => resolve({ code: code ?? 130, stdout, stderr }))
    const { pid } = child
    void sleep(milliseconds).then(() => {
      const isOver = child.exitCode !== null || child.signalCode !== null
      if (pid && !isOver) process.kill(-pid, signal)
    })
  })
}

t.test('before the first start, commands say that nothing runs', async t => {
  for (const command of ['logs', 'diff', 'apply']) {
    isTwoLines(t, await stack.cli([command]), {
      error: new RegExp(`nothing is running in ${stack.workspace}`),
      hint: /\S*\/claude\.ts start/,
    })
  }
  const stopped = await stack.cli(['stop'])
  t.equal(stopped.code, 0)
  t.match(stopped.stderr, /nothing is running here/)
  t.match(await status(), { running: false, services: [] })
})

t.test('two starts at once in one folder give one stack, and both succeed', async t => {
  // Another local user may take names that every user can take; no command waits for them.
  const uid = process.getuid?.() ?? 0
  const squatters = [stack.stack, 'images'].map(name =>
    createServer().listen(`\0claude-secure/${uid}/${name}`),
  )
  await Promise.all(squatters.map(server => once(server, 'listening')))
  const outcomes = await Promise.all([1, 2, 3].map(() => stack.cli(['start', '--detach'])))
  for (const server of squatters) server.close()
  for (const { code, stderr } of outcomes) {
    t.equal(code, 0, stderr)
    t.match(stderr, /claude-secure-project-\w+ is up/)
  }
  t.equal(
    outcomes.filter(({ stderr }) => /starting proxy, gateway and claude/.test(stderr)).length,
    1,
    'only one of them started it',
  )
  t.match(
    stderrOf(outcomes),
    /waiting for another command, process \d+ \(claude\.ts start\), that is changing claude-secure-project/,
  )
  const { containers, networks } = await resources()
  t.equal(containers.length, 3)
  t.equal(networks.length, 3)
  t.match(await status(), { running: true })
})

const stderrOf = (outcomes: readonly Outcome[]) => outcomes.map(({ stderr }) => stderr).join('\n')

t.test('a second start finds the stack up and touches nothing', async t => {
  const before = await resources()
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0)
  t.notMatch(stderr, /starting/)
  t.same(await resources(), before)
})

t.test(
  'the next start applies a changed setting when no session or run uses the stack',
  async t => {
    const { readFile, writeFile } = await import('node:fs/promises')
    const path = join(stack.checkout, '.env')
    const env = await readFile(path, 'utf8')
    await writeFile(path, `${env}AGENT_PIDS=333\n`)
    const { code, stderr } = await stack.cli(['start', '--detach'])
    t.equal(code, 0, stderr)
    t.match(stderr, /stopping the stack with the old settings/)
    const limit = ['inspect', '--format', '{{.HostConfig.PidsLimit}}', stack.container('claude')]
    t.equal((await must('docker', limit)).trim(), '333')
  },
)

t.test('stop leaves no container and no network, and keeps the home volume', async t => {
  await stack.inside(['sh', '-c', 'echo kept > ~/note'])
  const { code, stderr } = await stack.cli(['stop'])
  t.equal(code, 0, stderr)
  const { containers, networks, volumes } = await resources()
  t.same({ containers, networks }, { containers: [], networks: [] })
  t.equal(volumes.length, 1)
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  t.equal((await stack.inside(['sh', '-c', 'cat ~/note'])).stdout, 'kept\n')
  await stack.cli(['stop'])
})

t.test('a home volume names its folder, and that of another folder is refused', async t => {
  const [home = ''] = (await resources()).volumes
  const inspect = ['volume', 'inspect', '--format', '{{json .Labels}}', home]
  const labels = JSON.parse(await must('docker', inspect))
  t.match(labels, { 'claude-secure.kind': 'folder', 'claude-secure.workspace': stack.workspace })
  const replace = async (given: object) => {
    const options = Object.entries(given).flatMap(([name, value]) => [
      '--label',
      `${name}=${value}`,
    ])
    await must('docker', ['volume', 'rm', home])
    await must('docker', ['volume', 'create', ...options, home])
  }
  await replace({ ...labels, 'claude-secure.workspace': '/elsewhere/project' })
  isTwoLines(t, await stack.cli(['start', '--detach']), {
    error: /the volume \S+ belongs to \/elsewhere\/project, and \S+ has the same stack name/,
    hint: /rename one of the two folders/,
  })
  t.same((await resources()).containers, [])
  await replace({ 'com.docker.compose.project': stack.stack, 'com.docker.compose.volume': 'home' })
  t.equal((await stack.cli(['start', '--detach'])).code, 0, 'a volume without an owner is taken')
  await stack.cli(['stop'])
})

t.test('Ctrl-C at any point leaves nothing that a second start trips over', async t => {
  for (const delay of repetitions({ short: [400, 1_500], full: [100, 400, 900, 1_500] })) {
    const cut = await interruptedAfter(delay, 'SIGINT', ['start', '--detach'])
    if (cut.code !== 0) {
      t.equal(cut.code, 130, `after ${delay} ms: ${cut.stderr}`)
      t.notMatch(cut.stderr, /^\s+at |this is a bug/m, `after ${delay} ms`)
      t.same((await resources()).containers, [], `after ${delay} ms`)
    }
    const again = await stack.cli(['start', '--detach'])
    t.equal(again.code, 0, `after ${delay} ms: ${again.stderr}`)
    t.match(await status(), { running: true }, `after ${delay} ms`)
    t.equal((await stack.cli(['stop'])).code, 0)
  }
})

t.test('kill -9 at any point leaves nothing that a second start trips over', async t => {
  for (const delay of repetitions({ short: [1_200], full: [500, 1_200] })) {
    await interruptedAfter(delay, 'SIGKILL', ['start', '--detach'])
    const again = await stack.cli(['start', '--detach'])
    t.equal(again.code, 0, `after ${delay} ms: ${again.stderr}`)
    t.match(await status(), { running: true }, `after ${delay} ms`)
    await stack.cli(['stop'])
  }
})

t.test('stop removes what an interrupted start or stop left, even if only networks', async t => {
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  const { containers } = await resources()
  await must('docker', ['rm', '--force', ...containers])
  t.equal((await resources()).networks.length, 3)
  const { code, stderr } = await stack.cli(['stop'])
  t.equal(code, 0, stderr)
  const left = await resources()
  t.same([left.containers, left.networks], [[], []])
})

t.test('start repairs a stack with a missing or paused service', async t => {
  t.equal((await stack.cli(['start', '--detach'])).code, 0)
  await must('docker', ['rm', '--force', stack.container('proxy')])
  await must('docker', ['stop', '--time', '1', stack.container('gateway')])
  const { code, stderr } = await stack.cli(['start', '--detach'])
  t.equal(code, 0, stderr)
  t.match(await status(), { running: true })
})

t.test('logs and shell list the services, and report a container that is down', async t => {
  isTwoLines(t, await stack.cli(['logs', 'postgres']), {
    error: /this stack has no service postgres/,
    hint: /it has claude, gateway, proxy/,
    code: 2,
  })
  await must('docker', ['stop', '--time', '1', stack.container('claude')])
  isTwoLines(t, await stack.cli(['shell'], { input: 'id\n' }), {
    error: /the claude container of claude-secure-project-\w+ is not running/,
    hint: /\S*\/claude\.ts start/,
  })
})
