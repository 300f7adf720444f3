import { chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { stackIdentity } from '../../../src/stack/identity.ts'
import { copyCheckout, temporaryFolder } from './checkout.ts'
import { freePort } from './free-port.ts'
import { createInternet, type Internet } from './internet.ts'
import { must, type Outcome, run } from './process.ts'
import { cliEnvironment, owner, removeStack, sentinel, writeSettings } from './test-stack.ts'

export type TestServer = {
  checkout: string
  /** WORKSPACES_DIR. */
  workspaces: string
  stack: string
  /** For `--name`. */
  name: string
  internet: Internet
  url: string
  /** API_TOKEN: of the tenant main. */
  token: string
  env: Record<string, string>
  /** Runs `claude.ts serve ACTION` for this server. */
  serve: (args: readonly string[], options?: { timeout?: number }) => Promise<Outcome>
  cli: (args: readonly string[]) => Promise<Outcome>
  container: (service: string) => string
  inside: (service: string, command: readonly string[]) => Promise<Outcome>
  /** Sends a request with a token, by default API_TOKEN. */
  request: (
    path: string,
    options?: { method?: string; body?: unknown; token?: string; timeout?: number },
  ) => Promise<{ status: number; json: unknown; text: string }>
  writeTenants: (text: string) => Promise<void>
  /** Writes cron.yml. */
  writeJobs: (text: string) => Promise<void>
}

/**
 * A server as a user has it: a checkout with .env and lists, and `serve up`. The model's API and the internet are
 * stand-ins.
 */
export async function createTestServer(
  t: Test,
  options: {
    tenants?: string
    /** Names of the server's list, and of the agents'. */
    serverSites?: readonly string[]
    allow?: readonly string[]
    /** Names of the ceiling `grantable_sites`. */
    grantable?: readonly string[]
    settings?: Record<string, string>
    /** Changes compose.server.yaml, and squid.conf, before the start. */
    compose?: (text: string) => string
    policy?: (text: string) => string
    /** Changes how the gateway tells its tenants. */
    gateway?: (text: string) => string
    start?: boolean
    /** With a stand-in for Telegram's Bot API, `internet.telegram`. */
    telegram?: boolean
    /** On an engine of the test's own, which the environment names in DOCKER_HOST. */
    apart?: boolean
  } = {},
): Promise<TestServer> {
  const checkout = await copyCheckout(t)
  const internet = await createInternet(t, {
    apart: options.apart ?? false,
    telegram: options.telegram ?? false,
  })
  const env = cliEnvironment(await temporaryFolder(t, 'state'))
  const custom = await temporaryFolder(t, 'custom')
  const workspaces = join(await temporaryFolder(t, 'workspaces'), 'all')
  await mkdir(workspaces)
  await chown(workspaces, owner, owner)
  const port = await freePort()
  const token = `test-token-${'t'.repeat(32)}`
  await writeSettings(checkout, {
    ANTHROPIC_API_KEY: sentinel,
    EXTRA_CA_CERTS: internet.authority,
    EXTERNAL_SUBNET: internet.subnet,
    PROXY_DNS: internet.dns,
    CUSTOM_DIR: custom,
    WORKSPACES_DIR: workspaces,
    SERVER_PORT: String(port),
    API_TOKEN: token,
    ...options.settings,
  })
  await listNames(checkout, 'server_sites', options.serverSites ?? [])
  await listNames(checkout, 'allowed_sites', options.allow ?? [])
  await listNames(checkout, 'grantable_sites', options.grantable ?? [])
  const edits = {
    'compose.server.yaml': options.compose,
    'proxy/squid.conf': options.policy,
    'src/gateway/http/tenant-network.ts': options.gateway,
  }
  for (const [file, change] of Object.entries(edits)) {
    if (!change) continue
    const path = join(checkout, file)
    await writeFile(path, change(await readFile(path, 'utf8')))
  }
  const name = `t-${process.pid}`
  const stack = stackIdentity({ kind: 'server', server: name }).name
  // An engine of the test's own goes with all that is in it, and may be dead by then.
  if (!options.apart) t.teardown(() => removeStack(stack))
  const cli = (args: readonly string[], more: { timeout?: number } = {}) =>
    run(join(checkout, 'claude.ts'), args, { cwd: '/', env, ...more })
  const container = (service: string) => `${stack}-${service}-1`
  const url = `http://127.0.0.1:${port}`
  const server: TestServer = {
    checkout,
    workspaces,
    stack,
    name,
    internet,
    url,
    token,
    env,
    cli,
    serve: ([action = '', ...args], more = {}) =>
      cli(['serve', action, '--name', name, ...args], more),
    container,
    inside: (service, command) => run('docker', ['exec', container(service), ...command]),
    async request(path, more = {}) {
      const response = await fetch(`${url}${path}`, {
        method: more.method ?? (more.body === undefined ? 'GET' : 'POST'),
        headers: {
          authorization: `Bearer ${more.token ?? token}`,
          ...(more.body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(more.body !== undefined && { body: JSON.stringify(more.body) }),
        signal: AbortSignal.timeout(more.timeout ?? 300_000),
      })
      const text = await response.text()
      return { status: response.status, text, json: parsed(text) }
    },
    writeTenants: text => writeFile(join(custom, 'tenants.yaml'), text),
    async writeJobs(text) {
      await mkdir(join(custom, 'schedules'), { recursive: true })
      await writeFile(join(custom, 'schedules/cron.yml'), text)
    },
  }
  if (options.tenants) await server.writeTenants(options.tenants)
  if (options.start !== false) await startTestServer(server)
  return server
}

export async function startTestServer(server: TestServer) {
  const { code, stderr } = await server.serve(['up'])
  if (code !== 0) throw new Error(`serve up: ${stderr}`)
  const format = ['inspect', '--format', '{{.Config.Image}}', server.container('gateway')]
  await server.internet.attach(server.stack, (await must('docker', format)).trim())
}

/** Returns the address of a container on a network of the stack. */
export async function addressOf(server: TestServer, service: string, network: string) {
  const format = `{{(index .NetworkSettings.Networks "${server.stack}_${network}").IPAddress}}`
  const args = ['inspect', '--format', format, server.container(service)]
  return (await must('docker', args)).trim()
}

async function listNames(checkout: string, list: string, names: readonly string[]) {
  const path = join(checkout, 'proxy/squid.conf')
  const text = await readFile(path, 'utf8')
  const lines = names.map(name => `acl ${list} dstdomain -n ${name}\n`).join('')
  const line = new RegExp(`^acl ${list} .*\\n`, 'm')
  await writeFile(
    path,
    text.replace(line, shipped => shipped + lines),
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
