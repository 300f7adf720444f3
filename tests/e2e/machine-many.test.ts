// exclusive: has an engine of its own, and counts the subnets that this host leaves free
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { settleConcurrently } from '../../src/base/async.ts'
import { compose } from '../../src/engine/compose.ts'
import { computeImageTags } from '../../src/images/image-tags.ts'
import { readPins } from '../../src/images/pins.ts'
import { createOwnEngine, loadImages } from '../support/chaos/own-engine.ts'
import { repetitions } from '../support/soak.ts'
import { repository, temporaryFolder } from '../support/stack/checkout.ts'
import { createControlScript } from '../support/stack/control-script.ts'
import { must } from '../support/stack/process.ts'

// Of its own, because these tests stop every stack of an engine and use up its subnets.
const engine = await createOwnEngine(t)
const script = await createControlScript(t)
const env = { DOCKER_HOST: engine.host }
const docker = (...args: string[]) => must('docker', ['--host', engine.host, ...args])
const pins = await readPins(repository)
const tags = { root: repository, pins, baseImage: undefined, target: 'minimal' } as const
const image = (await computeImageTags(tags)).base
await loadImages(engine, [image], process.env)
const folder = await temporaryFolder(t, 'many')

const nameOf = (index: number) => `claude-secure-many-${String(index).padStart(8, '0')}`

/** As small as a compose project gets: what is stopped is the stack, not what is in it. */
async function startStacks(count: number) {
  const indexes = Array.from({ length: count }, (_, index) => index)
  const started = await settleConcurrently(indexes, 4, async index => {
    const stack = nameOf(index)
    const file = join(folder, `${stack}.json`)
    // What makes it this user's stack.
    const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', stack)
    const identity = { version: 1, kind: 'folder', folder: `/home/me/${index}` }
    await mkdir(state, { recursive: true, mode: 0o700 })
    await writeFile(join(state, 'identity.json'), JSON.stringify(identity))
    const labels = {
      'claude-secure.stack': stack,
      'claude-secure.workspace': `/home/me/${index}`,
      'claude-secure.workspace-mode': 'mount',
      'claude-secure.credentials': 'api-key',
    }
    const claude = {
      ...{ image, labels, init: true, network_mode: 'none', command: ['sleep', 'infinity'] },
      volumes: ['home:/home/claude'],
    }
    const volumes = { home: { name: `${stack}_home-1000` } }
    await writeFile(file, JSON.stringify({ name: stack, services: { claude }, volumes }))
    await docker('compose', '--file', file, 'up', '--detach', '--pull', 'never')
  })
  for (const result of started) if (result.status === 'rejected') throw result.reason
}

async function listed(t: Test, ...more: string[]): Promise<{ stack: string; state: string }[]> {
  const { code, stdout, stderr } = await script.run(['list', '--json', ...more], { env })
  t.equal(code, 0, stderr)
  return JSON.parse(stdout).stacks
}

const many = repetitions({ short: 12, full: 50 })

for (const count of [1, many]) {
  t.test(`stop --all stops ${count} at once, and keeps what they have`, async t => {
    await startStacks(count)
    t.equal((await listed(t)).length, count)
    const { code, stderr } = await script.run(['stop', '--all'], { env, timeout: 300_000 })
    t.equal(code, 0, stderr)
    if (count > 1) t.match(stderr, `stopped ${count} stacks`)
    t.equal(await docker('ps', '--all', '--quiet'), '')
    t.same(await listed(t), [])
    const left = await listed(t, '--all')
    t.same(
      left.map(({ stack }) => stack),
      Array.from({ length: count }, (_, index) => nameOf(index)),
    )
    t.ok(left.every(({ state }) => state === 'stopped'))
    t.match((await script.run(['stop', '--all'], { env })).stderr, /nothing is running here/)
  })
}

t.test('clean removes all of them, once they are named', async t => {
  const names = Array.from({ length: many }, (_, index) => nameOf(index))
  const { code, stderr } = await script.run(['clean', '-f', ...names], { env, timeout: 300_000 })
  t.equal(code, 0, stderr)
  t.equal(await docker('volume', 'ls', '--quiet'), '')
  t.same(await listed(t, '--all'), [])
})

t.test('an engine without a free subnet is reported, and doctor warns before', async t => {
  const root = join(folder, 'project')
  await mkdir(root)
  const none = { services: { a: { image, networks: ['n'] } }, networks: { n: {} } }
  await writeFile(join(root, 'compose.yaml'), JSON.stringify(none))
  await writeFile(join(root, 'override.yaml'), '{}')
  const { PATH = '' } = process.env
  const client = {
    kind: 'docker' as const,
    file: 'docker',
    env: { PATH, DOCKER_HOST: engine.host },
  }
  const project = {
    ...{ name: nameOf(99), root, override: join(root, 'override.yaml') },
    ...{ variables: {}, profiles: [] },
  }
  const subnets = async () => {
    const { stdout } = await script.run(['doctor', '--json'], { env, timeout: 120_000 })
    return /"(\d+) of the engine's \d+ subnets (?:is|are) free/.exec(stdout)?.[1]
  }
  const free = Number(await subnets())
  t.ok(free > 20, `${free}`)
  let made = 0
  while (made < 40) {
    const outcome = await docker('network', 'create', `n${made}`).catch(() => null)
    if (outcome === null) break
    made += 1
  }
  // What this host has addresses in counts too; this engine has a network of its own around it.
  t.ok(made >= free && made <= free + 2, `${made} of ${free}`)
  t.equal(await subnets(), '0')
  await t.rejects(compose(client, project, ['up', '--detach', '--pull', 'never']), {
    message: /^the engine has no free subnet left/,
    hint: /default-address-pools/,
  })
})
