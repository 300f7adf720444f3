import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { fakeDocker } from '../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { stackContainer } from '../../support/docker/stack-container.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'

const script = await createControlScript(t)
const [one, two] = ['claude-secure-one-0a1b2c3d', 'claude-secure-two-0a5f6a7b']

const container = (stack: string, service: string) =>
  stackContainer(stack, service, {
    'claude-secure.workspace-mode': 'mount',
    'claude-secure.credentials': 'api-key',
  })

const engine = {
  ...goodEngine,
  '/containers/json': [container(one, 'claude'), container(one, 'proxy'), container(two, 'claude')],
  [`/containers/${one}-claude/top`]: {
    Titles: ['PID', 'ELAPSED', 'COMMAND'],
    Processes: [
      ['1', '600', 'sleep infinity'],
      ['9', '300', 'claude --dangerously-skip-permissions'],
    ],
  },
  '/volumes': {
    Volumes: [
      {
        Name: 'claude-secure-old-11111111_home-1000',
        Labels: { 'com.docker.compose.project': 'claude-secure-old-11111111' },
      },
    ],
  },
}

t.test('list shows every stack of the engine and who is at work; ls is the same', async t => {
  const env = { DOCKER_HOST: await startFakeEngine(t, engine) }
  for (const command of ['list', 'ls']) {
    const { code, stdout, stderr } = await script.run([command], { env })
    t.equal(code, 0, stderr)
    t.match(stdout, /0a1b2c3d +\/home\/me\/claude-secure-one-0a1b2c3d .* session 5m +/)
    t.match(stdout, /0a5f6a7b +\/home\/me\/claude-secure-two-0a5f6a7b .* - +/)
    t.equal(stdout.trim().split('\n').length, 3)
  }
  const report = JSON.parse((await script.run(['list', '-a', '--json'], { env })).stdout)
  t.equal(report.version, 1)
  t.match(report.stacks, [
    { id: '0a1b2c3d', stack: one, session: { since: /^20..-/ }, runs: 0, state: 'partial' },
    { id: '0a5f6a7b', session: null },
    { id: '11111111', state: 'stopped', volumes: ['claude-secure-old-11111111_home-1000'] },
  ])
})

t.test('list of nothing says so and is no failure', async t => {
  const env = { DOCKER_HOST: await startFakeEngine(t, goodEngine) }
  const { code, stdout, stderr } = await script.run(['list'], { env })
  t.same([code, stdout], [0, ''])
  t.match(stderr, /no stack is running/)
  t.same(JSON.parse((await script.run(['list', '--json'], { env })).stdout).stacks, [])
})

t.test('attach says what it cannot open, and what there is', async t => {
  const env = { DOCKER_HOST: await startFakeEngine(t, engine) }
  const none = { DOCKER_HOST: await startFakeEngine(t, goodEngine) }
  for (const { args, env: where = env, error, hint } of [
    {
      args: ['nosuch'],
      error: /no running stack is called nosuch/,
      hint: /running: 0a1b2c3d \/home/,
    },
    { args: ['0a'], error: /0a matches 2 stacks: 0a1b2c3d/, hint: /type more/ },
    { args: [], error: /nothing is running in /, hint: /name one of these: 0a1b2c3d/ },
    { args: ['0a1'], error: /needs a terminal/, hint: /claude\.ts run/ },
    { args: ['x'], env: none, error: /no running stack is called x/, hint: /start in a folder/ },
    { args: [], env: none, error: /nothing is running in /, hint: /run \S*\/claude\.ts start/ },
  ]) {
    isTwoLines(t, await script.run(['attach', ...args], { env: where }), { error, hint })
  }
})

t.test('clean touches nothing that runs, asks, and leaves alone what others left', async t => {
  const volume = (stack: string) => ({
    Name: `${stack}_home-1000`,
    Labels: { 'com.docker.compose.project': stack },
  })
  const [mine, other] = ['claude-secure-mine-22222222', 'claude-secure-other-33333333']
  const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', mine)
  await mkdir(state, { recursive: true })
  await writeFile(join(state, 'stack.yaml'), '')
  const folder = await temporaryFolder(t, 'calls')
  const calls = join(folder, 'calls')
  const docker = await fakeDocker(t, { cases: `volume*) echo "$*" >> ${calls} ;;` })
  const env = {
    DOCKER_HOST: await startFakeEngine(t, {
      ...engine,
      '/volumes': { Volumes: [volume(one), volume(mine), volume(other)] },
    }),
    PATH: `${docker}:${script.env.PATH}`,
    XDG_CACHE_HOME: folder,
  }
  isTwoLines(t, await script.run(['clean', '222', one], { env }), {
    error: new RegExp(`0a1b2c3d /home/me/${one} is not stopped`),
    hint: /run \S*\/claude\.ts stop 0a1b2c3d first; nothing was removed/,
  })
  const dry = await script.run(['clean', '--dry-run'], { env })
  t.equal(dry.code, 0, dry.stderr)
  t.match(dry.stdout, /^22222222 .*\n +conversations/)
  t.notMatch(dry.stdout, /33333333/)
  t.match(dry.stderr, /skipped stacks without a record in your state folder: 33333333/)
  isTwoLines(t, await script.run(['clean', '222'], { env }), {
    error: /confirmation required/,
    hint: /-f/,
  })
  t.equal(await readFile(calls, 'utf8').catch(() => ''), '', 'nothing was removed so far')

  const { code, stderr } = await script.run(['clean', '-f'], { env })
  t.equal(code, 0, stderr)
  t.equal(await readFile(calls, 'utf8'), `volume rm -- ${mine}_home-1000\n`)
  t.match(stderr, /removed 1 of 1: 22222222 /)
  t.equal((await script.run(['clean', '333', '-f'], { env })).code, 0)
  t.match(await readFile(calls, 'utf8'), `volume rm -- ${other}_home-1000\n`)
})

t.test('purge asks once and removes all that is left; -y asks nothing', async t => {
  const mine = 'claude-secure-mine-44444444'
  const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', mine)
  await mkdir(state, { recursive: true })
  await writeFile(join(state, 'stack.yaml'), '')
  const folder = await temporaryFolder(t, 'purge')
  const calls = join(folder, 'calls')
  const docker = await fakeDocker(t, { cases: `volume*) echo "$*" >> ${calls} ;;` })
  const volume = { Name: `${mine}_home-1000`, Labels: { 'com.docker.compose.project': mine } }
  const stopped = { ...goodEngine, '/volumes': { Volumes: [volume] } }
  const env = async (answers: Parameters<typeof startFakeEngine>[1]) => ({
    DOCKER_HOST: await startFakeEngine(t, answers),
    PATH: `${docker}:${script.env.PATH}`,
    XDG_CACHE_HOME: folder,
  })
  const foreign = await script.run(['purge', '--dry-run'], { env: await env(engine) })
  t.notMatch(foreign.stderr, /would stop/, 'stacks of other users are not stopped')
  const up = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', one)
  t.teardown(() => rm(up, { recursive: true, force: true }))
  await mkdir(up, { recursive: true })
  await writeFile(join(up, 'stack.yaml'), '')
  isTwoLines(t, await script.run(['purge'], { env: await env(engine) }), {
    error: /confirmation required.*Stop 0a1b2c3d [^,]*\?$/,
    hint: /--yes/,
  })
  const dry = await script.run(['purge', '--dry-run', '-y'], { env: await env(stopped) })
  t.match(dry.stdout, /^44444444 .*\n +conversations/)
  t.equal(await readFile(calls, 'utf8').catch(() => ''), '', 'nothing was removed so far')
  const { code, stderr } = await script.run(['purge', '-y'], { env: await env(stopped) })
  t.equal(code, 0, stderr)
  t.match(await readFile(calls, 'utf8'), `volume rm -- ${mine}_home-1000\n`)
})

t.test('stop takes an id, and refuses one together with --all', async t => {
  const folder = await temporaryFolder(t, 'calls')
  const calls = join(folder, 'calls')
  const docker = await fakeDocker(t, {
    cases: `compose\\ --project-name*) echo "$*" >> ${calls} ;;`,
  })
  const env = {
    DOCKER_HOST: await startFakeEngine(t, engine),
    PATH: `${docker}:${script.env.PATH}`,
    XDG_CACHE_HOME: folder,
  }
  const { code, stderr } = await script.run(['stop', '0a5'], { env })
  t.equal(code, 0, stderr)
  t.match(await readFile(calls, 'utf8'), new RegExp(`^compose --project-name ${two} down .*\n$`))
  isTwoLines(t, await script.run(['stop', '0a5', '--all'], { env }), {
    error: /the name of a stack or --all, not both/,
    hint: /--help/,
    code: 2,
  })
  isTwoLines(t, await script.run(['stop', 'nosuch'], { env }), {
    error: /no running stack is called nosuch/,
    hint: /list/,
  })
})

t.test('of many, one that cannot be stopped keeps no other up, and the sum says which', async t => {
  const names = Array.from(
    { length: 50 },
    (_, i) => `claude-secure-w-${String(i).padStart(8, '0')}`,
  )
  const [bad = ''] = names.slice(20)
  for (const name of names) {
    const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', name)
    await mkdir(state, { recursive: true })
    await writeFile(join(state, 'stack.yaml'), '')
    t.teardown(() => rm(state, { recursive: true }))
  }
  const folder = await temporaryFolder(t, 'calls')
  const calls = join(folder, 'calls')
  const docker = await fakeDocker(t, {
    cases: `*${bad}*) echo 'network has active endpoints' >&2; exit 1 ;;
compose\\ --project-name*) echo "$3" >> ${calls} ;;`,
  })
  const env = {
    DOCKER_HOST: await startFakeEngine(t, {
      ...goodEngine,
      '/containers/json': names.map(name => container(name, 'claude')),
    }),
    PATH: `${docker}:${script.env.PATH}`,
    XDG_CACHE_HOME: folder,
  }
  const outcome = await script.run(['stop', '--all'], { env })
  isTwoLines(t, outcome, {
    error: new RegExp(`stopped 49 of 50 stacks; still running: ${bad}$`),
    hint: /see the warnings above/,
  })
  t.match(outcome.stderr, `cannot stop ${bad}: network has active endpoints`)
  const done = (await readFile(calls, 'utf8')).trim().split('\n').sort()
  t.same(
    done,
    names.filter(name => name !== bad),
  )
})

t.test('the state of a folder that is gone still names it', async t => {
  const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', one)
  await mkdir(state, { recursive: true })
  await writeFile(
    join(state, 'protection.json'),
    JSON.stringify({ workspace: '/home/me/gone', placeholders: [], overlays: [] }),
  )
  const env = { DOCKER_HOST: await startFakeEngine(t, goodEngine) }
  const { stdout } = await script.run(['list', '--all'], { env })
  t.match(stdout, /0a1b2c3d +\/home\/me\/gone +stopped/)
})
