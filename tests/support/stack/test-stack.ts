import { chmod, chown, mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { folderStack } from '../../../src/stack/identity.ts'
import type { Zone } from '../internet/dns.ts'
import { copyCheckout, temporaryFolder } from './checkout.ts'
import { createInternet, type Internet } from './internet.ts'
import { must, type Outcome, run } from './process.ts'
import { openTerminal, type Terminal } from './terminal.ts'

/** Looks like a key, and must be found nowhere but in the gateway's file and its upstream requests. */
export const sentinel = `sk-ant-api03-SENTINEL${'s3cret'.repeat(8)}AA`

/** The owner of the test workspaces: an ordinary user, and not the one the image was made with. */
export const owner = 4242

export type TestStack = {
  checkout: string
  workspace: string
  /** Name of the compose project. */
  stack: string
  internet: Internet
  /** Environment of the control script: state of its own, nothing of the tester's settings. */
  env: Record<string, string>
  cli: (args: readonly string[], options?: { input?: string; timeout?: number }) => Promise<Outcome>
  /** Runs a command in a container; `claude` as the agent unless told otherwise. */
  inside: (
    command: readonly string[],
    options?: { service?: string; input?: string; timeout?: number },
  ) => Promise<Outcome>
  container: (service: string) => string
  terminal: (
    args: readonly string[],
    size?: { columns?: number; rows?: number },
  ) => Promise<Terminal>
}

export type TestStackOptions = {
  /** Lines of .env besides those of the test network. */
  settings?: Record<string, string>
  /** Names on the agent's list. */
  allow?: readonly string[]
  /** uid of the workspace; 0 opens it as a copy. */
  workspaceOwner?: number
  files?: Record<string, string>
  block?: 0 | 1 | 2 | 3
  zone?: Zone
  /** Without it the stack is left to the test to start. */
  start?: boolean
  /** With the container of runs. */
  worker?: boolean
  /** On an engine of the test's own, which the environment names in DOCKER_HOST. */
  apart?: boolean
}

/** A stack as a user has it: a checkout with .env and allowlist, a project folder, `start --detach`. */
export async function createTestStack(t: Test, options: TestStackOptions = {}): Promise<TestStack> {
  const checkout = await copyCheckout(t)
  const internet = await createInternet(t, {
    block: options.block ?? 0,
    apart: options.apart ?? false,
    ...(options.zone && { zone: options.zone }),
  })
  const state = await temporaryFolder(t, 'state')
  const env = cliEnvironment(state)
  const custom = await temporaryFolder(t, 'custom')
  await writeSettings(checkout, {
    ANTHROPIC_API_KEY: sentinel,
    EXTRA_CA_CERTS: internet.authority,
    EXTERNAL_SUBNET: internet.subnet,
    PROXY_DNS: internet.dns,
    // Not the additions of whoever runs the tests.
    CUSTOM_DIR: custom,
    ...options.settings,
  })
  await allowNames(checkout, options.allow ?? [])
  const workspace = join(await temporaryFolder(t, 'workspace'), 'project')
  // Its owner reaches it, as a user reaches a project in their home.
  await chmod(dirname(workspace), 0o711)
  await makeWorkspace(workspace, options.files ?? {}, options.workspaceOwner ?? owner)

  const cli: TestStack['cli'] = (args, more = {}) =>
    run(join(checkout, 'claude.ts'), args, { cwd: workspace, env, ...more })
  const stack = folderStack(await realpath(workspace)).name
  // An engine of the test's own goes with all that is in it, and may be dead by then.
  if (!options.apart) t.teardown(() => removeStack(stack))
  const container = (service: string) => `${stack}-${service}-1`
  const result: TestStack = {
    checkout,
    workspace,
    stack,
    internet,
    env,
    cli,
    container,
    inside: (command, { service = 'claude', ...more } = {}) =>
      run('docker', ['exec', '--interactive', container(service), ...command], more),
    terminal: (args, size = {}) =>
      openTerminal(t, [join(checkout, 'claude.ts'), ...args], { cwd: workspace, env, ...size }),
  }
  if (options.start !== false) await startTestStack(result, options.worker ? ['--worker'] : [])
  return result
}

export async function startTestStack(stack: TestStack, options: readonly string[] = []) {
  await mustCli(stack.cli, ['start', '--detach', ...options])
  await attachInternet(stack)
}

export async function attachInternet(stack: TestStack) {
  const image = (
    await must('docker', ['inspect', '--format', '{{.Config.Image}}', stack.container('gateway')])
  ).trim()
  await stack.internet.attach(stack.stack, image)
}

async function mustCli(cli: TestStack['cli'], args: readonly string[]) {
  const outcome = await cli(args)
  if (outcome.code !== 0) throw new Error(`claude.ts ${args.join(' ')}: ${outcome.stderr}`)
  return outcome
}

/** PATH and HOME, so that npm and docker are configured as they are; none of our own settings. */
export function cliEnvironment(state: string): Record<string, string> {
  const { PATH = '', HOME = '', NODE_EXTRA_CA_CERTS, DOCKER_HOST } = process.env
  return {
    PATH,
    HOME,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    XDG_STATE_HOME: state,
    ...(NODE_EXTRA_CA_CERTS && { NODE_EXTRA_CA_CERTS }),
    ...(DOCKER_HOST && { DOCKER_HOST }),
  }
}

export async function writeSettings(checkout: string, settings: Record<string, string>) {
  const lines = Object.entries(settings)
    .filter(([, value]) => value !== '')
    .map(([name, value]) => `${name}=${value}\n`)
  await writeFile(join(checkout, '.env'), lines.join(''), { mode: 0o600 })
}

/** Edits the list as a user does: one line each, below the one that is shipped. */
export async function allowNames(checkout: string, names: readonly string[]) {
  const path = join(checkout, 'proxy/squid.conf')
  const text = await readFile(path, 'utf8')
  const lines = names.map(name => `acl allowed_sites dstdomain -n ${name}\n`).join('')
  await writeFile(
    path,
    text.replace(/^acl allowed_sites .*\n/m, shipped => shipped + lines),
  )
}

async function makeWorkspace(path: string, files: Record<string, string>, uid: number) {
  await mkdir(path, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(path, name, '..'), { recursive: true })
    await writeFile(join(path, name), content)
  }
  await must('chown', ['-R', `${uid}:${uid}`, path])
  await chown(path, uid, uid)
}

/** Everything of one stack, by its labels: also what a failed test left. */
export async function removeStack(stack: string) {
  const list = async (kind: string, ...all: string[]) => {
    const filter = ['--quiet', '--filter', `label=com.docker.compose.project=${stack}`]
    return (await must('docker', [kind, 'ls', ...all, ...filter])).split('\n').filter(Boolean)
  }
  const [containers, volumes, networks] = await Promise.all([
    list('container', '--all'),
    list('volume'),
    list('network'),
  ])
  const strangers = networks.length > 0 ? await attachedTo(networks) : []
  const gone = [...new Set([...containers, ...strangers])]
  if (gone.length > 0) await run('docker', ['rm', '--force', ...gone])
  await Promise.all([
    volumes.length > 0 && run('docker', ['volume', 'rm', '--force', ...volumes]),
    networks.length > 0 && run('docker', ['network', 'rm', ...networks]),
  ])
}

async function attachedTo(networks: readonly string[]) {
  const format = '{{range $id, $_ := .Containers}}{{$id}} {{end}}'
  const { stdout } = await run('docker', ['network', 'inspect', '--format', format, ...networks])
  return stdout.split(/\s+/).filter(Boolean)
}
