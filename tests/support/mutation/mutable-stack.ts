import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { Probe } from '../../../src/audit/probe.ts'
import { probes } from '../../../src/audit/probes/index.ts'
import { type ProbeResult, runProbes } from '../../../src/audit/run-audit.ts'
import { openScene } from '../../../src/audit/scene.ts'
import { loadSettings } from '../../../src/config/load-settings.ts'
import { createEngine } from '../../../src/engine/engine.ts'
import { machineVersions } from '../../../src/engine/find-client.ts'
import { inspectStack } from '../../../src/stack/inspect.ts'
import { temporaryFolder } from '../stack/checkout.ts'
import { must, until } from '../stack/process.ts'
import { createTestStack, type TestStack } from '../stack/test-stack.ts'

type Service = Record<string, unknown>

/** The services of compose.yaml; each other one is added by the user, and listens. */
const shipped = new Set(['claude', 'worker', 'gateway', 'proxy'])
const serving = new Set(['gateway', 'proxy'])

/** compose.yaml with the generated file over it, as compose understands it. */
export type ComposeConfig = {
  name: string
  services: Record<string, Service>
  networks: Record<string, Record<string, unknown>>
  volumes: Record<string, Record<string, unknown>>
}

export type MutableStack = {
  stack: TestStack
  config: ComposeConfig
  /** Makes the containers anew from the configuration, changed by `change`. */
  mutate: (change: (config: ComposeConfig) => void) => Promise<void>
  /** Runs the probes with these ids, on the stack as it is now. */
  audit: (ids: readonly string[], instead?: Instead) => Promise<ProbeResult[]>
}

/** What is tried in place of what runs. */
export type Instead = NonNullable<Parameters<typeof openScene>[0]['instead']>

/**
 * A shipped stack from which controls can be taken away, one at a time. `prepare` changes the workspace
 * before the start.
 */
export async function createMutableStack(
  t: Test,
  prepare?: (workspace: string) => Promise<void>,
  settings: Record<string, string> = {},
): Promise<MutableStack> {
  // An audit needs no internet, so this one has none.
  const stack = await createTestStack(t, {
    settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '', ...settings },
    start: false,
  })
  await prepare?.(stack.workspace)
  const call = { cwd: stack.workspace, env: stack.env }
  const claude = join(stack.checkout, 'claude.ts')
  if (settings.CUSTOM_DIR) await must(claude, ['config', '--accept'], call)
  await must(claude, ['start', '--detach', '--worker'], call)
  // The audit runs in this process, and looks for the stack's files where they are.
  const before = process.env.XDG_STATE_HOME
  process.env.XDG_STATE_HOME = stack.env.XDG_STATE_HOME
  t.teardown(() => {
    if (before === undefined) delete process.env.XDG_STATE_HOME
    else process.env.XDG_STATE_HOME = before
  })
  const config = await resolvedConfig(stack)
  const file = join(await temporaryFolder(t, 'mutation'), 'compose.json')
  const compose = async (args: string[]) =>
    must(
      'docker',
      ['compose', '--project-name', stack.stack, '--file', file, '--profile', 'runs'].concat(args),
    )
  const hasPolicy = async () => {
    const found = await stack.inside(['test', '-e', '/run/squid/policy.conf'], { service: 'proxy' })
    return found.code === 0
  }
  const listens = async (service: string) => {
    // A socket in the state LISTEN that is not the engine's resolver at 127.0.0.11.
    const socket = ['grep', '-Eq', ': [^B]{8}:[0-9A-F]{4} 00000000:0000 0A', '/proc/net/tcp']
    return (await stack.inside(socket, { service })).code === 0
  }
  const failedToStart = async (service: string) => {
    const format = '{{.State.Status}} {{.RestartCount}}'
    const text = await must('docker', ['inspect', '--format', format, stack.container(service)])
    const [status = '', restarts] = text.trim().split(' ')
    return status === 'exited' || Number(restarts) > 3
  }
  /** Also returns for a service that cannot start without its control: the probe judges that. */
  const untilReady = (what: string, service: string, isReady: () => Promise<boolean>) =>
    until(what, async () => (await isReady()) || (await failedToStart(service)))
  let applied = config

  const mutate: MutableStack['mutate'] = async change => {
    const next = structuredClone(config)
    change(next)
    const changed = Object.keys(next.services).filter(name =>
      differ(next, applied, 'services', name),
    )
    const networks = [...Object.keys(next.networks), ...Object.keys(applied.networks)].some(name =>
      differ(next, applied, 'networks', name),
    )
    applied = next
    await writeFile(file, JSON.stringify(next))
    if (networks) await compose(['down', '--timeout', '0'])
    else if (changed.length > 0) {
      await must('docker', ['rm', '--force', ...changed.map(stack.container)])
    }
    const wanted = networks ? Object.keys(next.services) : changed
    if (wanted.length > 0) {
      await compose(['up', '--detach', '--no-deps', '--pull', 'never', '--no-build', ...wanted])
    }
    if (wanted.includes('proxy')) await untilReady('a policy', 'proxy', hasPolicy)
    // A probe that asks too early takes the silence of a service for a refusal, or for a closed port.
    for (const name of wanted.filter(service => serving.has(service) || !shipped.has(service))) {
      await untilReady(`a port of ${name}`, name, () => listens(name))
    }
  }

  return {
    stack,
    config,
    mutate,
    audit: (ids, instead) => auditStack(stack, probesOf(ids), instead),
  }
}

function differ(a: ComposeConfig, b: ComposeConfig, kind: 'services' | 'networks', name: string) {
  return JSON.stringify(a[kind][name]) !== JSON.stringify(b[kind][name])
}

export function probesOf(ids: readonly string[]): Probe[] {
  return ids.map(id => {
    const probe = probes.find(candidate => candidate.id === id)
    if (!probe) throw new Error(`there is no probe ${id}`)
    return probe
  })
}

/** The audit of a stack, in this process: a mutation needs one probe of it, and no table. */
export async function auditStack(
  { stack: name, checkout }: Pick<TestStack, 'stack' | 'checkout'>,
  wanted: readonly Probe[],
  instead: Instead = {},
): Promise<ProbeResult[]> {
  const engine = createEngine({ socketPath: '/var/run/docker.sock' })
  const state = await inspectStack(engine, name)
  if (!state) throw new Error(`nothing is left of ${name}`)
  const parts = await engine.version()
  const scene = await openScene({
    stack: state,
    root: checkout,
    settings: await loadSettings(checkout, {}),
    instead,
    docker: { kind: 'docker', file: 'docker', env: dockerEnvironment() },
    engine,
    engineMajor: Number.parseInt(parts.Version, 10),
    versions: machineVersions({ kind: 'docker', version: parts.Version }, null, parts),
    signal: new AbortController().signal,
  })
  try {
    return await runProbes(scene, wanted)
  } finally {
    await scene.close()
  }
}

function dockerEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME }
}

/** What compose made of the files, with the values that the running containers show. */
async function resolvedConfig(stack: TestStack): Promise<ComposeConfig> {
  const inspect = async (service: string) =>
    JSON.parse(await must('docker', ['inspect', stack.container(service)]))[0]
  const [claude, worker, gateway, proxy] = await Promise.all(
    ['claude', 'worker', 'gateway', 'proxy'].map(inspect),
  )
  const variable = (container: { Config: { Env: string[] } }, name: string) =>
    container.Config.Env.find(pair => pair.startsWith(`${name}=`))?.slice(name.length + 1) ?? ''
  const mounted = (
    container: { Mounts: { Destination: string; Name?: string; Source: string }[] },
    target: string,
  ) => container.Mounts.find(({ Destination }) => Destination === target)
  const values: Record<string, string> = {
    STACK_NAME: stack.stack,
    ADDED_NAMES: '',
    ADDED_HOSTS: '',
    CLAUDE_IMAGE: claude.Config.Image,
    GATEWAY_IMAGE: gateway.Config.Image,
    PROXY_IMAGE: proxy.Config.Image,
    HOME_VOLUME: mounted(claude, '/home/claude')?.Name ?? '',
    WORKER_HOME_VOLUME: mounted(worker, '/home/claude')?.Name ?? '',
    AGENT_USER: claude.Config.User,
    GATEWAY_USER: gateway.Config.User,
    AGENT_MEMORY: String(claude.HostConfig.Memory),
    AGENT_CPUS: String(claude.HostConfig.NanoCpus / 1e9),
    AGENT_PIDS: String(claude.HostConfig.PidsLimit),
    AGENT_SHM: String(claude.HostConfig.ShmSize),
    AGENT_DIRECT: variable(proxy, 'AGENT_DIRECT'),
    ...Object.fromEntries(
      ['UPSTREAM_KIND', 'UPSTREAM_URL', 'UPSTREAM_REGION', 'UPSTREAM_PROJECT', 'MODEL_IDS'].map(
        name => [name, variable(gateway, name)],
      ),
    ),
    UPSTREAM_SITES: variable(proxy, 'UPSTREAM_SITES'),
    UPSTREAM_PRIVATE: variable(proxy, 'UPSTREAM_PRIVATE'),
    GIT_SITES: variable(proxy, 'GIT_SITES'),
    GATEWAY_PROXY_URL: variable(gateway, 'PROXY_URL'),
    BUDGET_USD_PER_DAY: variable(gateway, 'BUDGET_USD_PER_DAY'),
    USAGE_FOLDER: mounted(gateway, '/var/lib/claude-secure/usage')?.Source ?? '',
    CREDENTIAL_FILE: mounted(gateway, '/run/secrets/credential')?.Source ?? '',
    FILTER_FILE: mounted(claude, '/etc/claude-secure/filter')?.Source ?? '',
    FOLDER_POLICY: mounted(proxy, '/etc/claude-secure/folder')?.Source ?? '',
    PROXY_FOLDER: mounted(proxy, '/etc/claude-secure/proxy')?.Source ?? '',
  }
  const override = join(
    stack.env.XDG_STATE_HOME ?? '',
    'claude-secure/stacks',
    stack.stack,
    'stack.yaml',
  )
  const text = await must(
    'docker',
    ['compose', '--project-directory', stack.checkout, '--env-file', '/dev/null']
      .concat(['--file', join(stack.checkout, 'compose.yaml'), '--file', override])
      .concat(['--profile', 'runs', 'config', '--format', 'json']),
    { env: { ...process.env, ...values } },
  )
  // Compose writes a limit of one number in a form that it does not read.
  return JSON.parse(text, (key, value) => (key === 'core' ? 0 : value))
}
