import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { loadSettings } from '../src/config/load-settings.ts'
import { composeArguments, composeEnvironment } from '../src/engine/compose.ts'
import { computeImageTags } from '../src/images/image-tags.ts'
import { readPins } from '../src/images/pins.ts'
import { placeholderVariable } from '../src/stack/credential.ts'
import { folderStack } from '../src/stack/identity.ts'
import { keeperUser } from '../src/stack/keeper.ts'
import { composeProject, type Stack, servicesFor } from '../src/stack/stack.ts'
import { readCredential } from '../src/stack/state/credential-file.ts'
import { stateFolder } from '../src/stack/state/state-folder.ts'
import { openWorkspace } from '../src/workspace/workspace.ts'
import { repository } from '../tests/support/stack/checkout.ts'
import { must, run } from '../tests/support/stack/process.ts'
import {
  createTestStack,
  owner,
  sentinel,
  type TestStack,
} from '../tests/support/stack/test-stack.ts'
import { startProbe, startRunner } from './own-containers.ts'
import { createOwnServer } from './server/own-server.ts'
import type { Command, System } from './system.ts'

/** The parts of the system that rows need. */
export type Parts = { stacks: boolean; server: boolean }

/** Creates what a user has, with the stand-in internet behind it: stacks of folders, and a server. */
export async function createOwnSystem(test: Test, parts: Parts): Promise<System> {
  const stacks: Partial<System> = parts.stacks ? await createStacks(test) : {}
  const server: Partial<System> = parts.server ? await createOwnServer(test) : {}
  return {
    name: 'claude-secure',
    ...stacks,
    ...server,
    containers: { ...stacks.containers, ...server.containers },
  }
}

/** Creates two stacks: one that starts and stops repeatedly, and one that keeps running. */
async function createStacks(test: Test): Promise<Partial<System>> {
  const running = await createTestStack(test, { block: 3, allow: ['allowed.test'] })
  const restarted = await createTestStack(test, {
    start: false,
    // This stack never uses the stand-in internet: any subnet works, and cannot be taken already.
    settings: { EXTERNAL_SUBNET: '', PROXY_DNS: '' },
  })
  const image = await imagesOf(running)
  return {
    start: await startPair(restarted, image),
    session: sessionPair(running),
    status: {
      ours: cli(running, 'status', '--json'),
      baseline: command(running, ['docker', 'compose', 'ls']),
    },
    growth: { cli: cli(running), image: image.gateway },
    sessions: { cli: cli(restarted) },
    help: { ours: cli(running, '--help'), baseline: command(running, ['node', '-e', '0']) },
    probe: await startProbe(test, running, image.claude),
    ...(await routes(running)),
    gate: await gate(running),
    run: await runPair(running),
    runs: await startRunner(test, running, image.claude),
    containers: { proxy: running.container('proxy'), gateway: running.container('gateway') },
    images: { ...image, ...(await fullImage()) },
  }
}

type Images = { claude: string; gateway: string; proxy: string }

async function imagesOf(stack: TestStack): Promise<Images> {
  const image = async (service: string) =>
    (
      await must('docker', ['inspect', '--format', '{{.Config.Image}}', stack.container(service)])
    ).trim()
  return {
    claude: await image('claude'),
    gateway: await image('gateway'),
    proxy: await image('proxy'),
  }
}

/** Returns the image with toolchains, if it is built: only the image size row needs it. */
async function fullImage(): Promise<{ full?: string }> {
  const { claude } = await computeImageTags({
    root: repository,
    pins: await readPins(repository),
    baseImage: undefined,
    target: 'full',
  })
  const { code } = await run('docker', ['image', 'inspect', claude])
  return code === 0 ? { full: claude } : {}
}

/** The environment of both timed sides: an additional CA file costs each Node.js process its time. */
function timedEnvironment({ env }: TestStack): Record<string, string> {
  const { NODE_EXTRA_CA_CERTS, ...rest } = env
  return rest
}

function command(stack: TestStack, argv: Command['argv']): Command {
  return { argv, cwd: stack.workspace, env: timedEnvironment(stack) }
}

function cli(stack: TestStack, ...args: string[]): Command {
  return command(stack, [join(stack.checkout, 'claude.ts'), ...args])
}

/**
 * Builds the pair for `start`. The baseline uses the two files that `start` wrote, with the same
 * variables.
 */
async function startPair(stack: TestStack, images: Images): Promise<System['start']> {
  await must(join(stack.checkout, 'claude.ts'), ['start', '--detach'], {
    cwd: stack.workspace,
    env: stack.env,
  })
  const [uid, gid] = (
    await must('docker', ['inspect', '--format', '{{.Config.User}}', stack.container('gateway')])
  )
    .trim()
    .split(':')
    .map(Number)
  const state = stateFolder(stack.stack, join(stack.env.XDG_STATE_HOME ?? '', 'claude-secure'))
  const credential = await readCredential(state)
  if (!credential || uid === undefined || gid === undefined) {
    throw new Error(`${stack.stack} has no credential, or its gateway no user`)
  }
  const plan: Stack = {
    identity: folderStack(stack.workspace),
    workspace: await openWorkspace(stack.workspace, 'mount', {
      checkout: stack.checkout,
      secrets: [],
    }),
    settings: await loadSettings(stack.checkout, {}),
    mode: 'api-key',
    placeholder: credential,
    images,
    state,
    overlays: [],
    root: stack.checkout,
    // Affects only the file that `start` writes, which exists already.
    engineMajor: 0,
    gatewayUser: { uid, gid },
  }
  const services = servicesFor(plan, ['claude'])
  const project = composeProject(plan, services)
  const compose = (...args: string[]): Command => ({
    argv: ['docker', 'compose', ...composeArguments(project), ...args],
    cwd: stack.checkout,
    env: composeEnvironment(timedEnvironment(stack), project),
  })
  return {
    ours: cli(stack, 'start', '--detach'),
    baseline: compose('up', '--detach', '--wait', ...services),
    reset: compose('down', '--timeout', '5'),
  }
}

/** Ends the session within the container, so that both sides open a new session and join none. */
const endSession =
  'tmux -S /run/claude-secure-session/private/tmux kill-server; while pgrep -x claude; do sleep 0.05; done'

/** Both halves of a session, each started with the docker program, as its user. */
const bothHalves =
  'docker exec --detach "$2" claude-secure-session-agent & exec docker exec --interactive --tty --env TERM=xterm-256color --user "$1" --workdir / "$2" claude-secure-session'

function sessionPair(stack: TestStack): System['session'] {
  const claude = stack.container('claude')
  const keeper = keeperUser({ uid: owner, gid: owner })
  return {
    ours: cli(stack, 'start'),
    baseline: command(stack, ['sh', '-c', bothHalves, 'sh', keeper, claude]),
    reset: command(stack, ['docker', 'exec', '--user', keeper, claude, 'bash', '-c', endSession]),
    // Its prompt; the bar below the session also names it.
    shows: '❯',
  }
}

/** Ends the processes that wait for a prompt; the runner keeps running. */
const endWaiting = 'pkill -x claude; while pgrep -x claude; do sleep 0.05; done; true'

async function runPair(stack: TestStack): Promise<System['run']> {
  const worker = stack.container('worker')
  const bare = ['claude', '--dangerously-skip-permissions', '-p', 'ping']
  return {
    ours: cli(stack, 'run', '--no-continue', '--quiet', 'ping'),
    baseline: command(stack, ['docker', 'exec', '--workdir', '/workspace', worker, ...bare]),
    reset: command(stack, ['docker', 'exec', worker, 'bash', '-c', endWaiting]),
  }
}

/** other.test is not on the list, although the stand-in internet serves it. */
async function gate(stack: TestStack): Promise<System['gate']> {
  const authority = await readFile(stack.internet.authority, 'utf8')
  return {
    file: join(stack.checkout, 'proxy/squid.conf'),
    after: 'acl allowed_sites dstdomain -n',
    entry: 'acl allowed_sites dstdomain -n NAME',
    route: {
      host: stack.internet.dns,
      port: 443,
      tls: { name: 'other.test', authority },
      via: { host: 'proxy-agent', port: 3128 },
    },
  }
}

async function routes(stack: TestStack): Promise<Pick<System, 'egress' | 'model'>> {
  const { internet, inside } = stack
  const authority = await readFile(internet.authority, 'utf8')
  const origin = (host: string, name: string) => ({ host, port: 443, tls: { name, authority } })
  const site = origin(internet.dns, 'allowed.test')
  const anthropic = origin(internet.model, 'api.anthropic.com')
  const variable = placeholderVariable('api-key')
  const placeholder = (await inside(['printenv', variable])).stdout.trim()
  if (sentinel === placeholder) throw new Error('the agent holds the key itself')
  return {
    egress: { ours: { ...site, via: { host: 'proxy-agent', port: 3128 } }, baseline: site },
    model: {
      ours: { host: 'gateway', port: 8787 },
      baseline: anthropic,
      throughProxy: { ...anthropic, via: { host: 'proxy-services', port: 3128 } },
      headers: { 'x-api-key': placeholder, 'anthropic-version': '2023-06-01' },
    },
  }
}
