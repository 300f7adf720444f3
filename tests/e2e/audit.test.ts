import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { temporaryFolder } from '../support/stack/checkout.ts'
import { isTwoLines } from '../support/stack/control-script.ts'
import { must, run, until } from '../support/stack/process.ts'
import { createTestStack, owner } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { worker: true, files: { 'a.txt': 'mine\n' } })
const state = join(stack.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', stack.stack)
const services = ['claude', 'worker', 'gateway', 'proxy']
const network = Array.from({ length: 17 }, (_, index) => `N${index + 1}`)

type Report = {
  version: number
  stack: string
  held: boolean
  counts: Record<string, number>
  probes: {
    id: string
    verdict: string
    checks: { claim: string; verdict: string; evidence: string }[]
  }[]
}

/** Projects of audits that have their files below the state of this stack: others may run here too. */
async function ownTwins(): Promise<string[]> {
  const ids = await must('docker', ['ps', '-aq', '--filter', 'label=claude-secure.audit'])
  const format =
    '{{index .Config.Labels "com.docker.compose.project"}} {{range .Mounts}}{{.Source}} {{end}}'
  const lines = await Promise.all(
    // One that ended meanwhile is none.
    ids
      .split('\n')
      .filter(Boolean)
      .map(id => run('docker', ['inspect', '--format', format, id])),
  )
  const own = lines.filter(({ stdout }) => stdout.includes(`${state}/`))
  return [...new Set(own.map(({ stdout }) => stdout.split(' ')[0] ?? ''))]
}

async function leftOf(project: string): Promise<string> {
  const filter = ['-q', '--filter', `label=com.docker.compose.project=${project}`]
  const containers = await must('docker', ['ps', '-a', ...filter])
  const networks = await must('docker', ['network', 'ls', ...filter])
  const files = (await readdir(state)).filter(name => name.includes('audit'))
  return `${containers}${networks}${files.join('\n')}`
}

const lives = () =>
  must(
    'docker',
    ['inspect', '--format', '{{.Id}} {{.RestartCount}} {{.State.StartedAt}}'].concat(
      services.map(stack.container),
    ),
  )

t.test('on the shipped stack every attack is stopped, and nothing is left over', async t => {
  const before = await lives()
  const twins = new Set<string>()
  const answers: number[] = []
  let over = false
  const looking = (async () => {
    while (!over) {
      for (const twin of await ownTwins()) twins.add(twin)
      const head = ['curl', '-sI', '--max-time', '120', 'http://gateway:8787/']
      answers.push((await stack.inside(head)).code)
      await sleep(200)
    }
  })()
  const { code, stdout, stderr } = await stack.cli(['audit', '--json'])
  over = true
  await looking
  const report: Report = JSON.parse(stdout)
  const failed = report.probes.flatMap(({ id, checks }) =>
    checks
      .filter(({ verdict }) => verdict === 'open' || verdict === 'unknown')
      .map(({ claim, verdict, evidence }) => `${id} ${verdict}: ${claim} (${evidence})`),
  )
  t.strictSame(failed, [])
  t.equal(code, 0, stderr)
  t.match(report, { version: 1, stack: stack.stack, held: true, counts: { open: 0, unknown: 0 } })
  t.strictSame(
    network.filter(id => !report.probes.some(probe => probe.id === id)),
    [],
  )
  for (const { id, checks } of report.probes) {
    t.equal(new Set(checks.map(({ claim }) => claim)).size, checks.length, `${id}: claims differ`)
  }
  t.equal(await lives(), before, 'the stack was not touched')
  t.ok(answers.length > 0 && answers.every(code => code === 0), 'and answered all the time')
  t.equal(twins.size, 1, 'a twin was seen')
  for (const twin of twins) t.equal(await leftOf(twin), '', twin)
})

t.test('one probe alone, in words and as SARIF', async t => {
  const words = await stack.cli(['audit', '--probe', 'n5', '--verbose'])
  t.equal(words.code, 0, words.stderr)
  t.match(words.stdout, /^N5 +held/m)
  t.match(words.stdout, /a request to the address of that name is refused/)
  t.notMatch(words.stdout, /^N6 /m)
  t.match(words.stdout, /the attack was stopped/)
  const { code, stdout } = await stack.cli(['audit', '--sarif', '--probe', 'N2', '--probe', 'N12'])
  t.equal(code, 0)
  t.match(JSON.parse(stdout), {
    version: '2.1.0',
    $schema: /sarif/,
    runs: [{ tool: { driver: { rules: [{ id: 'N2' }, { id: 'N12' }] } }, results: [] }],
  })
})

t.test('the list says what each probe does, without a stack', async t => {
  const folder = await emptyFolder(t)
  const elsewhere = (args: string[]) =>
    run(join(stack.checkout, 'claude.ts'), args, { cwd: folder, env: stack.env })
  const { code, stdout } = await elsewhere(['audit', '--list'])
  t.equal(code, 0)
  for (const id of network) t.match(stdout, new RegExp(`^${id} `, 'm'))
  const listed = JSON.parse((await elsewhere(['audit', '--list', '--json'])).stdout)
  t.equal(listed.version, 1)
  t.strictSame(Object.keys(listed.probes[0]), ['id', 'title', 'attack', 'standards'])
  isTwoLines(t, await elsewhere(['audit']), { error: /nothing is running/, hint: /start/ })
})

t.test('an unknown probe is a usage error', async t => {
  const outcome = await stack.cli(['audit', '--probe', 'N99\u001b[2J'])
  isTwoLines(t, outcome, { error: /no probe N99/, hint: /--list/, code: 2 })
  t.notMatch(outcome.stderr, /\x1b/)
})

t.test('an audit that is interrupted leaves nothing', async t => {
  const child = spawn(join(stack.checkout, 'claude.ts'), ['audit'], {
    cwd: stack.workspace,
    env: stack.env,
    stdio: 'ignore',
    detached: true,
  })
  const ended = once(child, 'close')
  const [twin = ''] = await until('the twin', async () => {
    const found = await ownTwins()
    return found.length > 0 && found
  })
  // As a terminal does it: to the whole group.
  process.kill(-(child.pid ?? 0), 'SIGINT')
  const [code, signal] = await ended
  t.ok(code === 130 || signal === 'SIGINT', `ended with ${code ?? signal}`)
  t.equal(await leftOf(twin), '')
})

async function emptyFolder(t: Parameters<typeof temporaryFolder>[0]) {
  const folder = await temporaryFolder(t, 'empty')
  await must('chown', [`${owner}:${owner}`, folder])
  return folder
}
