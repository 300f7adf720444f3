import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { lastLine } from '../base/terminal-text.ts'
import { parseAllowlist } from '../egress/allowlist.ts'
import { composeCall } from '../engine/compose.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { exec } from '../process/exec.ts'
import { type Attacker, createAttacker, insideProgram, nodeCommand } from './attacker.ts'
import { type CanaryEvent, canaryEvents, canaryListens, completeEvents } from './host-canary.ts'
import { InspectedContainer } from './inspections.ts'
import {
  canaryPorts,
  type TwinNetwork,
  type TwinPlan,
  twinFile,
  twinNetworks,
  twinZone,
} from './twin-file.ts'
import { type twinParentName, writeTwinFile, writeTwinParent } from './twin-parent.ts'
import {
  type CanaryNames,
  canaryNames,
  grantsFor,
  policyWithNames,
  serverGrantsFor,
} from './twin-policy.ts'

export type TwinService = 'canary' | 'proxy' | 'gateway' | 'agent' | typeof twinParentName

export type Twin = {
  names: CanaryNames
  network: TwinNetwork
  /** The answer of every canary port: a client that has it got through. */
  word: string
  /** In the agent's place. */
  attacker: Attacker
  /** Beyond the proxy, in the canary's container; also a neighbour of the agent. */
  outsider: Attacker
  container: (service: TwinService) => string
  /** Whether a parent proxy resolves and dials for the proxy. */
  behindParent: boolean
  /** Returns the addresses of a service, on all its networks. */
  addresses: (service: TwinService) => Promise<string[]>
  /** Runs a program in a container of the twin, for inspection. */
  inside: (
    service: TwinService,
    command: readonly string[],
  ) => Promise<{ code: number; stdout: string }>
  /** The credential of the twin's gateway; not valid anywhere else. */
  credential: { secret: string; placeholder: string }
  /** Returns everything the canary has seen up to this call. */
  seen: () => Promise<CanaryEvent[]>
  /** Returns a service's log so far. */
  log: (service: TwinService) => Promise<string[]>
  close: () => Promise<void>
}

export type TwinOptions = {
  docker: DockerClient
  engine: Engine
  engineMajor: number
  root: string
  /** Folder for the twin's files; removed together with the twin. */
  folder: string
  /** The policy in force in the stack. */
  policy: string
  images: { proxy: string; gateway: string; claude: string }
  agentUser: string
  gatewayUser: { uid: number; gid: number }
  agentDirect: string
  /** The stack's way to its parent proxy; null without one. */
  parentConf: string | null
  signal: AbortSignal
}

/** Starts the twin. Leaves nothing behind on failure. */
export async function createTwin(options: TwinOptions): Promise<Twin> {
  const { docker, engine, root, signal } = options
  const id = randomBytes(4).toString('hex')
  const project = `claude-secure-audit-${id}`
  const folder = join(options.folder, project)
  const names = canaryNames(id)
  const word = `canary-${randomBytes(16).toString('hex')}`
  const credential = {
    secret: `sk-ant-api03-audit-secret-${randomBytes(16).toString('hex')}`,
    placeholder: `sk-ant-api03-placeholder-audit-${randomBytes(16).toString('hex')}`,
  }
  const policy = policyWithNames(options.policy, names)
  if (policy === null) throw new Error('the policy in force has no list allowed_sites')
  const file = join(folder, 'compose.yaml')
  // A busy engine needs long; compose that is cut short leaves networks.
  const compose = (args: readonly string[], end?: AbortSignal) =>
    exec(
      ...composeCall(
        docker,
        ['--project-name', project, '--project-directory', folder]
          .concat(['--env-file', '/dev/null', '--file', file, '--progress', 'plain'])
          .concat(args),
      ),
      { cwd: '/', env: docker.env, timeout: 180_000, ...(end && { signal: end }) },
    )
  const container = (service: TwinService) => `${project}-${service}-1`
  const attackerIn = (service: TwinService) =>
    createAttacker({ docker, root, signal, container: container(service) })
  const attacker = attackerIn('agent')
  const outsider = attackerIn('canary')
  const close = async () => {
    await Promise.allSettled([attacker.close(), outsider.close()])
    // Not ended by the audit's signal: the started containers must be removed.
    await compose(['down', '--volumes', '--remove-orphans', '--timeout', '1'])
    await rm(folder, { recursive: true, force: true })
  }
  try {
    const texts = { policy, grants: grantsFor(names), serverGrants: serverGrantsFor(names) }
    await writePolicy(folder, texts, credential, options.gatewayUser)
    const parent =
      options.parentConf === null
        ? null
        : await writeTwinParent(folder, options.parentConf, names.refused)
    const network = await up(parent)
    return {
      names,
      network,
      word,
      attacker,
      outsider,
      credential,
      container,
      addresses: async service => {
        const found = await engine.inspect(`/containers/${container(service)}/json`)
        const { Networks } = InspectedContainer.parse(found).NetworkSettings
        return Object.values(Networks).map(({ IPAddress }) => IPAddress)
      },
      inside: (service, command) =>
        exec(docker.file, ['exec', '--workdir', '/', container(service), ...command], {
          cwd: '/',
          env: docker.env,
          timeout: 60_000,
          signal,
        }),
      behindParent: parent !== null,
      seen: () => completeEvents(outsider, () => canaryEvents(engine, container('canary'))),
      log: service => engine.logLines(container(service), 10_000),
      close,
    }
  } catch (error) {
    await close().catch(() => {})
    throw error
  }

  /** Starts the twin in the first free piece of the documentation range. */
  async function up(parent: TwinPlan['parent']): Promise<TwinNetwork> {
    const program = await insideProgram(root, 'canary.ts')
    const { stringify } = await import('yaml')
    let last = ''
    for (const network of twinNetworks) {
      const settings = JSON.stringify({
        word,
        ports: canaryPorts,
        zone: twinZone(names, network, '@canary-private', otherNames(options.policy)),
      })
      const plan = {
        ...options,
        network,
        names,
        word,
        policyFolder: join(folder, 'proxy'),
        grantsFolder: join(folder, 'grants'),
        serverGrantsFolder: join(folder, 'server-grants'),
        credentialFile: join(folder, 'credential.json'),
        gatewayUser: `${options.gatewayUser.uid}:${options.gatewayUser.gid}`,
        canaryCommand: [...nodeCommand, program, settings],
        label: id,
        parent,
        startInterval: options.engineMajor >= 25,
      }
      await writeFile(file, stringify(twinFile(plan)))
      const result = await compose(
        ['up', '--detach', '--wait', '--wait-timeout', '120', '--pull', 'never', '--no-build'],
        signal,
      )
      if (result.code === 0) {
        await canaryListens(engine, container('canary'))
        return network
      }
      last = lastLine(result.stderr, 300)
      if (last.includes(container('proxy'))) {
        const said = await engine.logLines(container('proxy'), 20).catch(() => [])
        last = [last, lastLine(said.join('\n'), 300)].filter(line => line !== '').join(': ')
      }
      await compose(['down', '--volumes', '--timeout', '1'])
      if (!/overlap/i.test(result.stderr)) break
    }
    throw new Error(`cannot start the twin of the proxy: ${last}`)
  }
}

/** Returns the names on lists other than the agent's: in the twin they lead to the canary too. */
export function otherNames(policy: string): string[] {
  try {
    const { gateway, server, login } = parseAllowlist(policy, 'the policy in force')
    return [...gateway, ...server, ...login].map(({ name }) => name.replace(/^\./, ''))
  } catch {
    // A foreign policy may have no such lists.
    return ['api.anthropic.com']
  }
}

async function writePolicy(
  folder: string,
  { policy, grants, serverGrants }: { policy: string; grants: string; serverGrants: string },
  credential: Twin['credential'],
  reader: { uid: number; gid: number },
) {
  await mkdir(folder, { recursive: true })
  // The proxy runs as another user, and reads the files below.
  await chmod(folder, 0o755)
  await writeTwinFile(join(folder, 'proxy'), 'squid.conf', policy)
  await writeTwinFile(join(folder, 'grants'), 'grants.list', grants)
  await writeTwinFile(join(folder, 'server-grants'), 'grants.list', serverGrants)
  const path = join(folder, 'credential.json')
  await writeFile(path, JSON.stringify({ kind: 'api-key', ...credential }), { mode: 0o400 })
  if (process.getuid?.() === 0) await chown(path, reader.uid, reader.gid)
}
