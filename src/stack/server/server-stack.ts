import { join } from 'node:path'
import type { ParentProxy } from '../../config/parent-proxy.ts'
import type { ServerMode } from '../../config/server-modes.ts'
import type { Settings } from '../../config/settings.ts'
import { defaultTenant, type Tenant } from '../../config/tenants.ts'
import type { ComposeProject } from '../../engine/compose.ts'
import type { AuthorityFiles } from '../authorities.ts'
import type { CredentialFile, CredentialMode } from '../credential.ts'
import type { StackIdentity } from '../identity.ts'
import { serverServices, tenantParts } from '../services.ts'
import { homeVolume, upstreamVariables } from '../stack.ts'
import type { StateFolder } from '../state/state-folder.ts'
import { type StackSubnets, serverNetworkNames } from '../subnets.ts'
import type { NamedVolume } from '../volumes.ts'
import { type ServerFolder, serverFolder } from './server-folder.ts'

/** The parts of the server stack that belong to its bot. */
export type TelegramStack = {
  /** Where telegram.yml is, by its name in a folder. */
  folder: string
  file: string
  /** File with the token of the bot. */
  token: string
  /** A few digits of the token's hash: another token makes another container. */
  mark: string
  /** Maximum number of people who may write to it; null for no limit. */
  people: number | null
}

/** Everything that determines how the server stack is created. */
export type ServerStack = {
  identity: StackIdentity
  settings: Settings
  mode: CredentialMode
  tenants: readonly Tenant[]
  /** The placeholder of each tenant, by its name. */
  placeholders: Readonly<Record<string, string>>
  placeholderKind: CredentialFile['kind']
  /** The owner of the workspaces: server, gateway and workers run as this user. Never root. */
  user: { uid: number; gid: number }
  /** WORKSPACES_DIR as a real path. */
  workspaces: string
  images: { claude: string; gateway: string; proxy: string; server: string }
  state: StateFolder
  modes: readonly ServerMode[]
  /** Where cron.yml is, by its name in a folder; null without the mode `schedules`. */
  schedules: { folder: string; file: string } | null
  /** What the mode `telegram` mounts; null without it. */
  telegram: TelegramStack | null
  /** Where the port is published on the host, with the mode `api`. */
  bind: { address: string; port: number; withoutToken: boolean }
  /** The checkout. */
  root: string
  engineMajor: number
  engineKind: 'docker' | 'podman'
  subnets?: StackSubnets
  mtu?: number
  authorities?: AuthorityFiles
  calledAs?: string
  parent?: ParentProxy
}

/** The folder of cron.yml in the server's container. */
export const schedulesMount = '/etc/claude-secure/schedules'
export const telegramMount = '/etc/claude-secure/telegram'

/** Returns the tenants whose networks and volumes exist: compose.server.yaml states those of `main`. */
export function presentTenants({ tenants }: Pick<ServerStack, 'tenants'>): string[] {
  return [...new Set([defaultTenant, ...tenants.map(({ name }) => name)])]
}

/** Returns the networks of a server stack. */
export function networksOfServer(stack: Pick<ServerStack, 'tenants'>): string[] {
  return [...serverNetworkNames, ...presentTenants(stack).map(name => tenantParts(name).network)]
}

/** Returns the volumes that outlive the containers: the homes of the workers. */
export function serverVolumes({ identity, tenants, user }: ServerStack): NamedVolume[] {
  return presentTenants({ tenants }).map(tenant => {
    const key = tenantParts(tenant).home
    return { key, name: homeVolume(identity, key, user.uid) }
  })
}

/** Returns the services that must run. */
export function servicesOfServer({ tenants, mode }: Pick<ServerStack, 'tenants' | 'mode'>) {
  const own = serverServices.filter(({ profile }) => profile === null || mode === 'rehearsal')
  return [...own, ...tenants.map(({ name }) => ({ name: tenantParts(name).service }))].map(
    ({ name }) => name,
  )
}

/** Returns the values for the `${…}` of compose.server.yaml. */
export function serverVariables(stack: ServerStack): Record<string, string> {
  const { identity, settings, images, user, state, bind } = stack
  const folder: ServerFolder = serverFolder(state)
  const main = tenantParts(defaultTenant)
  return {
    CLAUDE_IMAGE: images.claude,
    GATEWAY_IMAGE: images.gateway,
    PROXY_IMAGE: images.proxy,
    SERVER_IMAGE: images.server,
    AGENT_USER: `${user.uid}:${user.gid}`,
    AGENT_UID: String(user.uid),
    AGENT_MEMORY: settings.AGENT_MEMORY,
    AGENT_CPUS: settings.AGENT_CPUS,
    AGENT_PIDS: String(settings.AGENT_PIDS),
    AGENT_SHM: settings.AGENT_SHM,
    AGENT_ALIASES: presentTenants(stack)
      .map(name => `proxy-tenant-${name}`)
      .join(' '),
    ...upstreamVariables(stack),
    GATEWAY_PROXY_URL: stack.mode === 'rehearsal' ? '' : 'http://egress:3128',
    BUDGET_USD_PER_DAY: settings.BUDGET_USD_PER_DAY ?? '',
    CREDENTIAL_FILE: state.credential,
    FILTER_FILE: state.filter,
    USAGE_FOLDER: state.usage,
    PROXY_FOLDER: join(stack.root, 'proxy'),
    FOLDER_POLICY: state.policy,
    SERVER_FOLDER: folder.access,
    SERVER_DATA: folder.data,
    RUNNER_TOKENS: folder.runnerTokens,
    METER_KEYS: folder.meterKeys,
    SERVER_GRANTS: folder.grants,
    WORKSPACES_DIR: stack.workspaces,
    SERVER_MODES: stack.modes.join(),
    CRON_FILE: stack.schedules ? `${schedulesMount}/${stack.schedules.file}` : '',
    TELEGRAM_FILE: stack.telegram ? `${telegramMount}/${stack.telegram.file}` : '',
    TELEGRAM_MARK: stack.telegram?.mark ?? '',
    TELEGRAM_PEOPLE: String(stack.telegram?.people ?? ''),
    SERVER_BIND: bind.address,
    SERVER_PORT: String(bind.port),
    SERVER_WITHOUT_TOKEN: bind.withoutToken ? '1' : '',
    SERVER_MEMORY: settings.SERVER_MEMORY,
    SERVER_ALLOWED_HOSTS: settings.SERVER_ALLOWED_HOSTS ?? '',
    SERVER_ALLOWED_ORIGINS: settings.SERVER_ALLOWED_ORIGINS ?? '',
    API_STRICT: settings.API_STRICT,
    OPENAI_SIDE_CALLS: settings.OPENAI_SIDE_CALLS,
    RESULT_TTL_HOURS: settings.RESULT_TTL_HOURS,
    RUN_LIMIT: settings.RUN_LIMIT,
    RUN_QUEUE: settings.RUN_QUEUE,
    DRAIN_SECONDS: settings.DRAIN_SECONDS,
    // What the server needs after the drain: to interrupt the rest, and to close its store.
    SERVER_STOP_PERIOD: `${Number(settings.DRAIN_SECONDS) + 7}s`,
    FILE_LIMIT_MB: settings.FILE_LIMIT_MB,
    WEBHOOK_SECRET: folder.webhookSecret,
    WEBHOOK_URL: settings.WEBHOOK_URL ?? '',
    WORKER_MAIN_HOME_VOLUME: homeVolume(identity, main.home, user.uid),
    RUNNER_MAIN_VOLUME: homeVolume(identity, main.sockets, user.uid),
  }
}

export function serverProject(stack: ServerStack): ComposeProject {
  return {
    name: stack.identity.name,
    root: stack.root,
    file: 'compose.server.yaml',
    override: stack.state.override,
    variables: { ...serverVariables(stack), CALLED_AS: stack.calledAs ?? '' },
    profiles: stack.mode === 'rehearsal' ? ['rehearsal'] : [],
  }
}
