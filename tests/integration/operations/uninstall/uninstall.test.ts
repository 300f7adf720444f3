import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { LogEvent } from '../../../../src/base/log.ts'
import { Settings } from '../../../../src/config/settings.ts'
import { createEngine } from '../../../../src/engine/engine.ts'
import { checkoutLabel } from '../../../../src/images/prune.ts'
import type { Context } from '../../../../src/operations/context.ts'
import type { UninstallPlan } from '../../../../src/operations/uninstall/plan.ts'
import { removeFolder, uninstall } from '../../../../src/operations/uninstall/uninstall.ts'
import { fakeProgram } from '../../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../../support/docker/fake-engine.ts'
import { temporaryFolder } from '../../../support/stack/checkout.ts'

t.test('all is removed but kept paths and the folders above them', async t => {
  const folder = t.testdir({ a: { kept: { x: '' }, 'kept-not': '' }, b: '' })
  t.equal(await removeFolder(folder, [join(folder, 'a/kept')]), false)
  t.ok(existsSync(join(folder, 'a/kept/x')))
  t.notOk(existsSync(join(folder, 'a/kept-not')))
  t.notOk(existsSync(join(folder, 'b')))
  t.equal(await removeFolder(folder, []), true)
  t.notOk(existsSync(folder))
})

t.test('no symlink is followed', async t => {
  const folder = t.testdir({ target: { x: '' }, state: {} })
  symlinkSync(join(folder, 'target'), join(folder, 'state/link'))
  await removeFolder(join(folder, 'state'), [join(folder, 'state/link/x')])
  await removeFolder(join(folder, 'state'), [])
  t.ok(existsSync(join(folder, 'target/x')))
})

const names = { a: 'claude-secure-app-00000001', b: 'claude-secure-lib-00000002' }
const volume = (stack: string, name: string) => ({
  Name: `${stack}_${name}`,
  Labels: { 'com.docker.compose.project': stack },
})
const other = 'claude-secure-theirs-00000003'

/** A machine with two stacks of ours, one of another user, and two images. */
async function setUp(t: Test, { copy = false, imageFails = false, answer = true } = {}) {
  const home = await temporaryFolder(t, 'home')
  const before = { ...process.env }
  const places = { state: join(home, 'state'), cache: join(home, 'cache'), own: join(home, 'conf') }
  process.env.XDG_STATE_HOME = places.state
  process.env.XDG_CACHE_HOME = places.cache
  process.env.XDG_CONFIG_HOME = places.own
  t.teardown(() => Object.assign(process.env, before))
  const state = join(places.state, 'claude-secure')
  for (const stack of Object.values(names)) {
    mkdirSync(join(state, 'stacks', stack, 'runs'), { recursive: true })
    writeFileSync(join(state, 'stacks', stack, 'runs', 'x'), '')
  }
  mkdirSync(join(state, 'stacks', names.a, 'usage'))
  for (const folder of [places.cache, places.own])
    mkdirSync(join(folder, 'claude-secure'), { recursive: true })
  const root = join(home, 'checkout')
  mkdirSync(root)
  const [label = '', value = ''] = checkoutLabel(root).split('=')
  const images = ['claude-secure/claude:1', 'claude-secure/proxy:1'].map(tag => ({
    ...{ Id: tag, RepoTags: [tag], Config: { Labels: { [label]: value } } },
  }))
  const calls = join(home, 'calls')
  const folder = await fakeProgram(
    t,
    'docker',
    `case "$1 $2" in
      'image ls') echo 1; exit ;;
      'image inspect') echo '${JSON.stringify(images)}'; exit ;;
    esac
    echo "$*" >> ${calls}
    ${imageFails ? "case \"$*\" in 'image rm -- claude-secure/proxy:1') echo 'in use' >&2; exit 1 ;; esac" : ''}`,
  )
  const Volumes = [
    volume(names.a, 'home-1000'),
    ...(copy ? [volume(names.a, 'workspace')] : []),
    volume(other, 'home-1000'),
  ]
  const host = await startFakeEngine(t, { ...goodEngine, '/volumes': { Volumes } })
  const address = { socketPath: host.slice('unix://'.length) }
  const logged: string[] = []
  const asked: string[] = []
  const context: Context = {
    root,
    engine: createEngine(address),
    found: { ...found, address },
    log: (event: LogEvent) => 'text' in event && logged.push(event.text),
    signal: new AbortController().signal,
    canAsk: true,
    async confirm(question) {
      asked.push(question)
      return answer
    },
    settings: Settings.parse({}),
    docker: { kind: 'docker', file: join(folder, 'docker'), env: { PATH: '/usr/bin:/bin' } },
    engineMajor: 26,
  }
  let plan: UninstallPlan | undefined
  return {
    ...{
      state,
      cache: join(places.cache, 'claude-secure'),
      own: join(places.own, 'claude-secure'),
    },
    ...{ root, logged, asked },
    plan: () => plan,
    calls: () => (existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : []),
    run: (options: { yes?: boolean; dryRun?: boolean; force?: boolean } = {}) =>
      uninstall(context, {
        ...options,
        show(shown) {
          plan = shown
        },
      }),
  }
}

const found = {
  kind: 'docker' as const,
  version: '26.1.5',
  dockerHost: 'unix:///nowhere',
  where: 'DOCKER_HOST',
}

t.test('everything of this user and this checkout goes; the rest stays', async t => {
  const { run, plan, calls, state, cache, own, root, asked } = await setUp(t)
  t.same(await run(), { stacks: [], folders: [] })
  t.same(asked, ['Permanently remove all of this?'])
  t.same(
    plan()?.stacks.map(({ stack }) => stack.stack),
    [names.a, names.b],
  )
  t.same(
    plan()?.others.map(({ stack }) => stack),
    [other],
  )
  t.same(calls(), [
    `volume rm -- ${names.a}_home-1000`,
    'image rm -- claude-secure/claude:1',
    'image rm -- claude-secure/proxy:1',
  ])
  t.notOk(existsSync(state))
  t.notOk(existsSync(cache))
  t.ok(existsSync(own), 'the additions were written by the user')
  t.ok(existsSync(root))
})

t.test('nothing is removed by --dry-run, or when the answer is no', async t => {
  for (const [options, answer] of [
    [{ dryRun: true, yes: true }, true],
    [{}, false],
  ] as const) {
    const { run, calls, state, cache } = await setUp(t, { answer })
    t.equal(await run(options), null)
    t.same(calls(), [])
    t.ok(existsSync(join(state, 'stacks', names.a, 'runs', 'x')))
    t.ok(existsSync(cache))
  }
})

t.test('--yes asks nothing', async t => {
  const { run, asked } = await setUp(t, { answer: false })
  t.ok(await run({ yes: true }))
  t.same(asked, [])
})

t.test(
  'a copy that may hold work is kept with its state and the images, unless discarded',
  async t => {
    const { run, calls, state, cache, logged } = await setUp(t, { copy: true })
    t.match(await run(), { stacks: ['00000001'], folders: [join(state, 'stacks', names.a)] })
    t.same(calls(), [], 'no volume and no image')
    t.match(
      logged.join('\n'),
      /kept 00000001: its copy \(volume claude-secure-app-00000001_workspace\)/,
    )
    t.ok(existsSync(join(state, 'stacks', names.a, 'runs', 'x')))
    t.notOk(existsSync(join(state, 'stacks', names.b)))
    t.notOk(existsSync(cache))
    const again = await setUp(t, { copy: true })
    t.same(await again.run({ force: true }), { stacks: [], folders: [] })
    t.match(again.calls()[0], `volume rm -- ${names.a}_home-1000 ${names.a}_workspace`)
    t.notOk(existsSync(again.state))
  },
)

t.test('files that were moved out of a workspace are kept, unless discarded', async t => {
  for (const force of [false, true]) {
    const { run, state } = await setUp(t)
    const file = join(state, 'stacks', names.b, 'withdrawn', '.mcp.json')
    mkdirSync(join(file, '..'))
    writeFileSync(file, '{}')
    await run({ force })
    t.equal(existsSync(file), !force)
    t.notOk(existsSync(join(state, 'stacks', names.a)))
  }
})

t.test('an image that the engine still uses is named, and the rest goes on', async t => {
  const { run, state, logged } = await setUp(t, { imageFails: true })
  t.ok(await run())
  t.match(logged.join('\n'), 'kept the image claude-secure/proxy:1: in use')
  t.notOk(existsSync(state))
})
