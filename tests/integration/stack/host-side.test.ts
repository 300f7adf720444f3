import { mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkoutRoot } from '../../../src/config/paths.ts'
import { closeHostSide, type HostKernel } from '../../../src/stack/host-side.ts'
import type { StartContext } from '../../../src/stack/start-context.ts'
import { stateFolder } from '../../../src/stack/state/state-folder.ts'
import { fakeDocker } from '../../support/docker/fake-docker.ts'
import { networkSummary } from '../../support/docker/network-summary.ts'
import { stackValue } from '../../support/stack/stack-value.ts'

const value = stackValue()
const name = value.identity.name
const inner = networkSummary(`${name}_claude-internal`, name)
const outer = networkSummary(`${name}_proxy-external`, name)
const boot = '5a0f3c1e-0000-4000-8000-00000000abcd'
const bridge = `br-${inner.Id.slice(0, 12)}`

/** A host with these answers, and a docker client that writes down what it is asked to do. */
async function createHost(
  t: Test,
  options: {
    filters?: (boolean | null)[]
    container?: string
    started?: () => string
    byDefault?: boolean
    answersArp?: boolean
    runtime?: string
  },
) {
  const folder = t.testdir({})
  const calls = join(folder, 'calls')
  const path = await fakeDocker(t, {
    cases: `run*) echo "$*" >> ${calls}; ${options.container ?? 'exit 9'} ;;
compose*down*) echo down >> ${calls} ;;`,
  })
  const filters = [...(options.filters ?? [])]
  const turned: string[] = []
  const warnings: string[] = []
  const kernel: HostKernel = {
    addresses: () => ({}),
    readFilter: async () => (filters.length > 1 ? filters.shift() : filters[0]) ?? null,
    turnOn: async name => void turned.push(name),
    readDefault: async () => options.byDefault ?? false,
    answersArp: async () => options.answersArp ?? true,
    boot: async () => boot,
  }
  const Networks = { [outer.Name]: { Gateway: '172.20.0.1' }, [inner.Name]: { Gateway: '' } }
  const container = { Id: 'c1', Labels: {}, State: 'running', NetworkSettings: { Networks } }
  const context = {
    engine: {
      networks: async () => [inner, outer],
      containers: async () => [container],
      inspect: async () => ({ State: { StartedAt: options.started?.() ?? 'monday' } }),
    },
    docker: { kind: 'docker', file: join(path, 'docker'), env: { PATH: process.env.PATH ?? '' } },
    log: (entry: { kind: string; text?: string }) => {
      if (entry.kind === 'warn') warnings.push(entry.text ?? '')
    },
  } as unknown as StartContext
  const state = stateFolder(name, folder)
  await mkdir(state.path, { recursive: true })
  const settings = { ...value.settings, RUNTIME: options.runtime }
  const stack = { ...value, settings, state, root: checkoutRoot() }
  return {
    turned,
    warnings,
    close: (running: boolean) => closeHostSide(context, stack, { running, kernel }),
    calls: async () => (await readFile(calls, 'utf8').catch(() => '')).split('\n').filter(Boolean),
    evidence: () => readFile(state.filter, 'utf8').catch(() => null),
    forget: () => rm(calls, { force: true }),
  }
}

t.test('a filter that is on needs nothing', async t => {
  const host = await createHost(t, { filters: [true] })
  await host.close(false)
  t.same([host.turned, await host.calls()], [[], []])
})

t.test('root turns it on without a container', async t => {
  const host = await createHost(t, { filters: [false, true] })
  await host.close(false)
  t.same([host.turned, await host.calls()], [[bridge], []])
})

t.test('others have it turned on by a container with one capability', async t => {
  const host = await createHost(t, { filters: [false], container: `echo ${bridge} on` })
  await host.close(false)
  const [call = ''] = await host.calls()
  t.match(call, '--read-only --workdir / --cap-drop ALL --security-opt no-new-privileges --memory ')
  t.match(call, '--network host --userns host --user 0 --cap-add NET_ADMIN --entrypoint')
  t.equal(call.match(/--cap-add|--network/g)?.length, 2)
  t.ok(call.endsWith(` ${bridge}`), 'only the bridge of the internal network')
  t.same(host.warnings, [])
})

t.test('a filter that stays off refuses the start, and the stack goes down', async t => {
  for (const container of [`echo ${bridge} off`, 'echo denied >&2; exit 1']) {
    const host = await createHost(t, { filters: [false], container })
    await t.rejects(host.close(false), {
      message: /accepts datagrams|cannot close the internal networks to the host: denied/,
      hint: /rp_filter=2/,
    })
    t.equal((await host.calls()).at(-1), 'down')
  }
})

t.test('a session in a running stack is refused, and nothing of the others ends', async t => {
  const host = await createHost(t, { filters: [false], container: `echo ${bridge} off` })
  await t.rejects(host.close(true), { message: /accepts datagrams/ })
  t.notMatch(await host.calls(), ['down'])
})

t.test('an answer without the bridge is not a yes', async t => {
  for (const container of ['echo hello', `echo ${bridge} absent`]) {
    const host = await createHost(t, { filters: [null], container })
    await host.close(false)
    t.match(host.warnings, [/cannot see the bridge of .*claude-internal/])
  }
})

t.test('an engine elsewhere is asked again only after its containers started anew', async t => {
  let started = 'monday'
  const container = `echo ${bridge} on`
  const host = await createHost(t, { filters: [null], container, started: () => started })
  await host.close(false)
  await host.forget()
  await host.close(true)
  t.same(await host.calls(), [], 'seen on since they started')
  started = 'tuesday'
  await host.close(true)
  t.equal((await host.calls()).length, 1)
})

t.test(
  'a container of the agent that the engine restarts learns by what the filter is on',
  async t => {
    const evidence = async (options: Parameters<typeof createHost>[1], running = false) => {
      const host = await createHost(t, options)
      await host.close(running)
      return host.evidence()
    }
    const on = { filters: [true] }
    const ofBoot = `boot ${boot}\n`
    const ask = 'ask 172.20.0.1\n'
    t.equal(await evidence(on), ofBoot, 'a reboot brings the default of this host, which is off')
    t.equal(await evidence(on, true), ofBoot, 'also after a start that was killed')
    t.equal(await evidence({ ...on, byDefault: true }), ofBoot + ask)
    t.equal(
      await evidence({ ...on, byDefault: true, answersArp: false }),
      ofBoot,
      'a host that never answers would pass for one that filters',
    )
    t.equal(await evidence({ ...on, runtime: 'kata' }), ofBoot + ask, 'each container has a boot')
    const elsewhere = { filters: [null], container: `echo ${bridge} on` }
    t.equal(await evidence(elsewhere), ask, 'the boot of this machine says nothing')
  },
)

t.test('a refused start leaves no evidence', async t => {
  const host = await createHost(t, { filters: [false], container: `echo ${bridge} off` })
  await t.rejects(host.close(false))
  t.equal(await host.evidence(), null)
})
