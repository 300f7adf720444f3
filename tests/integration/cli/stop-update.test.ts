import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fakeDocker, fakeProgram } from '../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { stackContainer } from '../../support/docker/stack-container.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'

const script = await createControlScript(t)
const [one, two, cut] = [
  'claude-secure-one-0a1b2c3d',
  'claude-secure-two-4e5f6a7b',
  'claude-secure-cut-off-8c9d0e1f',
]

/** Stacks that another user of this engine started have no record here. */
async function recorded(...stacks: string[]) {
  const root = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks')
  await rm(root, { recursive: true, force: true })
  for (const stack of stacks) {
    await mkdir(join(root, stack), { recursive: true })
    // stop leaves it, and removes stack.yaml.
    const identity = { version: 1, kind: 'folder', folder: `/home/me/${stack}` }
    await writeFile(join(root, stack, 'identity.json'), JSON.stringify(identity))
  }
}

const network = (project: string) => ({
  Id: project,
  Name: `${project}_claude-internal`,
  Labels: { 'com.docker.compose.project': project },
})

const busy = {
  ...goodEngine,
  '/containers/json': [
    stackContainer(one, 'claude'),
    stackContainer(two, 'claude'),
    stackContainer(two, 'proxy'),
  ],
  '/networks': [network(one), network(cut), network('somebody-elses-project')],
  [`/containers/${one}-claude/top`]: { Titles: ['PID', 'COMMAND'], Processes: [['1', 'sleep']] },
  [`/containers/${two}-claude/top`]: {
    Titles: ['PID', 'COMMAND'],
    Processes: [
      ['1', 'sleep infinity'],
      ['9', 'claude --dangerously-skip-permissions'],
    ],
  },
}

t.test(
  'stop --all stops every stack of ours, also one without containers, and no other',
  async t => {
    await recorded(cut, one, two)
    const folder = await temporaryFolder(t, 'calls')
    const calls = join(folder, 'calls')
    const docker = await fakeDocker(t, {
      cases: `compose\\ --project-name*) echo "$*" >> ${calls} ;;`,
    })
    const env = {
      DOCKER_HOST: await startFakeEngine(t, busy),
      PATH: `${docker}:${script.env.PATH}`,
      XDG_CACHE_HOME: folder,
    }
    const { code, stderr } = await script.run(['stop', '--all'], { env })
    t.equal(code, 0, stderr)
    t.same(
      (await readFile(calls, 'utf8')).trim().split('\n').sort(),
      [cut, one, two].map(
        name => `compose --project-name ${name} down --remove-orphans --timeout 5`,
      ),
    )
    const here = await script.run(['stop'], { env })
    t.equal(here.code, 0)
    t.match(here.stderr, /nothing is running here; other folders: 3 \(--all stops them\)/)

    await recorded(one)
    await rm(calls)
    const mine = await script.run(['stop', '--all'], { env })
    t.equal(mine.code, 0, mine.stderr)
    t.match(await readFile(calls, 'utf8'), new RegExp(`^compose --project-name ${one} down .*\n$`))
    t.match(
      mine.stderr,
      new RegExp(
        `skipped stacks without a record in your state folder: ${cut}, ${two}; run .* stop NAME`,
      ),
    )
  },
)

t.test(
  'stop ends runs without a terminal, and names them; a silent runner is stopped too',
  async t => {
    const folder = await temporaryFolder(t, 'calls')
    const calls = join(folder, 'calls')
    const docker = await fakeDocker(t, {
      cases: `compose\\ --project-name*) echo "$*" >> ${calls} ;;`,
    })
    await recorded(one, two)
    const runs = [{ runId: '0123456789abcdef' }, { runId: '\x1b[2J' }]
    const engine = {
      ...goodEngine,
      '/containers/json': [stackContainer(one, 'worker'), stackContainer(two, 'worker')],
      [`/containers/${one}-worker/exec`]: { Id: 'a5ced' },
      '/exec/a5ced/start': JSON.stringify({ runs, warm: [] }),
    }
    const env = {
      DOCKER_HOST: await startFakeEngine(t, engine),
      PATH: `${docker}:${script.env.PATH}`,
      XDG_CACHE_HOME: folder,
    }
    const { code, stderr } = await script.run(['stop', '--all'], { env })
    t.equal(code, 0, stderr)
    t.match(stderr, /^ended 2 active runs: 0123456789abcdef, unknown$/m)
    t.notMatch(stderr, /\x1b\[2J/)
    t.match(stderr, /^stopped 2 stacks$/m)
    t.equal((await readFile(calls, 'utf8')).trim().split('\n').length, 2)
  },
)

t.test('update is refused while Claude Code is at work, with the folder it works in', async t => {
  await recorded(one, two)
  const env = { DOCKER_HOST: await startFakeEngine(t, busy) }
  isTwoLines(t, await script.run(['update'], { env }), {
    error: new RegExp(`Claude Code is working in /home/me/${two}`),
    hint: /wait for its end or run/,
  })
})

t.test("a session of another user does not hold up this user's update", async t => {
  await recorded(one)
  // No registry answers: that is as far as this update gets.
  const npm = await fakeProgram(t, 'npm', 'echo "no registry here" >&2; exit 1')
  const env = {
    DOCKER_HOST: await startFakeEngine(t, busy),
    PATH: `${npm}:${script.env.PATH}`,
  }
  const { code, stderr } = await script.run(['update'], { env })
  t.equal(code, 1)
  t.match(stderr, /no registry here/)
  t.notMatch(stderr, /is working in/)
})

/** A registry in which the next version of everything is out. */
const npm = (t: Parameters<typeof fakeProgram>[0]) =>
  fakeProgram(
    t,
    'npm',
    'case $2 in *claude*) v=9.0.0 ;; npm@*) v=11.99.0 ;; *) v=24.99.0 ;; esac\necho "{\\"version\\":\\"$v\\",\\"dist.integrity\\":\\"sha512-AAAA\\"}"',
  )

t.test(
  'update --dry-run shows before and after, changes nothing, and works beside a session',
  async t => {
    const pins = join(script.checkout, 'pins.json')
    const before = await readFile(pins, 'utf8')
    const env = {
      DOCKER_HOST: await startFakeEngine(t, busy),
      PATH: `${await npm(t)}:${script.env.PATH}`,
    }
    const { code, stdout, stderr } = await script.run(['update', '--dry-run'], { env })
    t.equal(code, 0, stderr)
    t.match(stdout, /^@anthropic-ai\/claude-code-linux-x64 2\.\S+ → 9\.0\.0$/m)
    t.match(stdout, /^npm 11\.\S+ → 11\.99\.0$/m)
    t.match(stderr, /nothing was changed; run \S*\/claude\.ts update to install/)
    t.equal(await readFile(pins, 'utf8'), before)
  },
)

t.test('an update whose build fails keeps the pins that work', async t => {
  const pins = join(script.checkout, 'pins.json')
  const before = await readFile(pins, 'utf8')
  const docker = await fakeDocker(t, {
    cases: `'image ls'*) echo none:none ;;
'context show') echo default ;;
*) echo 'the engine does not feel like it' >&2; exit 1 ;;`,
  })
  const fake = await fakeDocker(t, {
    cases: `'compose version --short') echo 2.26.1 ;;
'buildx version') echo github.com/docker/buildx 0.13.1 ;;
*) exec ${docker}/docker "$@" ;;`,
  })
  const env = {
    DOCKER_HOST: await startFakeEngine(t, goodEngine),
    PATH: `${await npm(t)}:${fake}:${script.env.PATH}`,
    XDG_CACHE_HOME: await temporaryFolder(t, 'cache'),
    BASE_IMAGE: 'no-such-image:0',
  }
  const outcome = await script.run(['update'], { env })
  isTwoLines(t, outcome, { error: /cannot (pull|fetch|build) /, hint: /./ })
  t.equal(await readFile(pins, 'utf8'), before)
})
