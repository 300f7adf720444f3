import { parentFolder } from '../egress/parent-conf.ts'
import { escapeVariables, readOnlyMount } from '../engine/compose.ts'
import { twinParentName } from './twin-parent.ts'
import { type CanaryNames, privateRanges, twinTenant } from './twin-policy.ts'

/**
 * Addresses of a twin: documentation ranges, which the policy does not treat as private, so that a
 * check by address does not stop an attack that a check by name should stop.
 */
export type TwinNetwork = {
  agent: string
  outside: string
  canaryAgent: string
  canaryOutside: string
  /** An unused address in the outer network: Docker's DNS answers for the used ones. */
  unused: string
}

/** 203.0.113.0/24 in pieces of 16, halved. Another audit, or another project, may use one of them. */
export const twinNetworks: readonly TwinNetwork[] = [
  112, 96, 48, 32, 16, 0, 128, 160, 192, 224,
].map(start => {
  const address = (offset: number) => `203.0.113.${start + offset}`
  return {
    agent: `${address(0)}/29`,
    outside: `${address(8)}/29`,
    canaryAgent: address(5),
    canaryOutside: address(13),
    unused: address(14),
  }
})

/** Ports of the canary: the allowed one, and others that must stay unreachable. */
export const canaryPorts = [21, 22, 25, 80, 443, 3128, 8080, 8443, 9022, 9443]

export type TwinPlan = {
  network: TwinNetwork
  names: CanaryNames
  word: string
  images: { proxy: string; gateway: string; claude: string }
  agentUser: string
  gatewayUser: string
  agentDirect: string
  /** Folder with the twin's squid.conf, and file with its credential. */
  policyFolder: string
  /** Folder with the grants of the twin. */
  grantsFolder: string
  /** Folder with the grants of the twin's tenant. */
  serverGrantsFolder: string
  credentialFile: string
  canaryCommand: readonly string[]
  label: string
  startInterval: boolean
  /** Folders of a twin behind a parent proxy: the proxy's way to it, and the parent's configuration. */
  parent: { way: string; conf: string } | null
}

/**
 * Builds the zone of the canary's DNS; `private` is the canary's address on a network of private
 * addresses, `others` are names of the policy's other lists.
 */
export function twinZone(
  names: CanaryNames,
  network: TwinNetwork,
  private_: string,
  others: readonly string[] = [],
): Record<string, string[][]> {
  const outside = network.canaryOutside
  const reversed = (address: string) => `${address.split('.').reverse().join('.')}.in-addr.arpa`
  return {
    ...Object.fromEntries(others.map(name => [name.toLowerCase(), [[outside]]])),
    [names.listed]: [[outside]],
    [names.alsoListed]: [[outside]],
    [names.unlisted]: [[outside]],
    [names.belowListed]: [[outside]],
    [names.private]: [[private_]],
    [names.granted]: [[private_]],
    [names.grantedElsewhere]: [[private_]],
    [names.grantedMixed]: [[private_, '100.127.0.1']],
    [names.upstream]: [[private_]],
    [names.upstreamMixed]: [[private_, '100.127.0.1']],
    [names.serverGranted]: [[outside]],
    [names.serverAbove]: [[outside]],
    [names.serverExpired]: [[outside]],
    [names.grantedPort]: [[outside]],
    [names.grantedPlain]: [[outside]],
    [names.neighbour]: [[network.canaryAgent]],
    [names.mixed]: [[outside, private_]],
    // Public when checked, private when dialled.
    [names.flip]: [[outside], [private_]],
    [names.metadata]: [['169.254.169.254']],
    [names.loopback]: [['127.0.0.1']],
    [names.refused]: [[outside]],
    // The owner of an address chooses its name (N5).
    [reversed(outside)]: [[names.listed]],
    [reversed(network.unused)]: [[names.listed]],
  }
}

const hardened = {
  cap_drop: ['ALL'],
  security_opt: ['no-new-privileges:true'],
  read_only: true,
  tmpfs: ['/tmp:size=16m,mode=1777', '/run:size=16m,mode=1777'],
  init: true,
  pids_limit: 128,
  mem_limit: '256m',
  sysctls: { 'net.ipv6.conf.all.disable_ipv6': 1 },
  logging: { driver: 'json-file', options: { 'max-size': '10m' } },
  restart: 'no',
  stop_grace_period: '1s',
}

/**
 * As the stack's own: without a host address there is no route between the bridges. The engine's rules alone are not
 * enough, because the engine takes them away for a moment whenever it makes or removes another network.
 */
const inner = {
  internal: true,
  driver_opts: { 'com.docker.network.bridge.inhibit_ipv4': 'true' },
}

/**
 * Builds the twin: the stack's proxy and gateway images under the stack's policy, with canary names
 * added to its list and a canary in place of the internet. The twin serves attacks that a live stack
 * does not allow, because its list is empty or because they would harm it.
 */
export function twinFile(plan: TwinPlan): object {
  const { network, images } = plan
  const labels = { 'claude-secure.audit': plan.label }
  const service = (specific: object) => ({ ...hardened, labels, ...specific })
  return {
    services: {
      canary: service({
        image: images.claude,
        user: '65534:65534',
        entrypoint: [],
        command: plan.canaryCommand.map(escapeVariables),
        networks: {
          agent: { ipv4_address: network.canaryAgent },
          outside: { ipv4_address: network.canaryOutside },
          private: { aliases: ['canary-private'] },
        },
      }),
      proxy: service({
        image: images.proxy,
        depends_on: {
          canary: { condition: 'service_started' },
          ...(plan.parent && { [twinParentName]: { condition: 'service_healthy' } }),
        },
        dns: [network.canaryOutside],
        environment: {
          AGENT_DIRECT: plan.agentDirect,
          AGENT_ALIASES: `proxy-tenant-${twinTenant}`,
          UPSTREAM_SITES: `${plan.names.upstream} ${plan.names.upstreamMixed}`,
          UPSTREAM_PRIVATE: privateRanges.join(','),
        },
        networks: {
          agent: { aliases: ['proxy', 'proxy-agent', `proxy-tenant-${twinTenant}`] },
          services: { aliases: ['egress', 'proxy-services'] },
          outside: {},
          private: {},
        },
        volumes: [
          readOnlyMount(plan.policyFolder, '/etc/claude-secure/proxy'),
          readOnlyMount(plan.grantsFolder, '/etc/claude-secure/folder'),
          readOnlyMount(plan.serverGrantsFolder, '/etc/claude-secure/server-grants'),
          ...(plan.parent ? [readOnlyMount(plan.parent.way, parentFolder)] : []),
        ],
        ulimits: { nofile: { soft: 16384, hard: 16384 }, core: 0 },
        healthcheck: health(plan, ['CMD', '/usr/local/lib/claude-secure/healthcheck']),
      }),
      ...(plan.parent && { [twinParentName]: parentService(plan, plan.parent, service) }),
      ...(images.gateway && { gateway: gatewayService(plan, service) }),
      agent: service({
        image: images.claude,
        user: plan.agentUser,
        entrypoint: [],
        command: ['sleep', 'infinity'],
        dns: ['127.0.0.1'],
        networks: ['agent'],
      }),
    },
    networks: {
      agent: { ...inner, labels, ipam: { config: [{ subnet: network.agent }] } },
      services: { ...inner, labels },
      private: { ...inner, labels },
      // Not internal: without a way out, the proxy's refusals would prove nothing.
      outside: { labels, ipam: { config: [{ subnet: network.outside }] } },
    },
  }
}

/** Builds the twin's parent proxy, which alone resolves and dials for its proxy. */
function parentService(
  plan: TwinPlan,
  { conf }: { conf: string },
  service: (specific: object) => object,
) {
  return service({
    image: plan.images.proxy,
    entrypoint: ['squid', '-N', '-f', '/etc/twin-parent/squid.conf'],
    dns: [plan.network.canaryOutside],
    networks: ['outside'],
    volumes: [readOnlyMount(conf, '/etc/twin-parent')],
    healthcheck: health(plan, ['CMD', 'grep', '-q', ':0C38 00000000:0000 0A ', '/proc/net/tcp']),
  })
}

/** Builds the twin's gateway, if the stack has one. */
function gatewayService(plan: TwinPlan, service: (specific: object) => object) {
  const { network, images } = plan
  return service({
    image: images.gateway,
    user: plan.gatewayUser,
    environment: {
      GATEWAY_PORT: 8787,
      UPSTREAM_URL: `http://${network.canaryOutside}:8080`,
      PROXY_URL: '',
      CREDENTIAL_FILE: '/run/secrets/credential',
    },
    networks: { agent: { aliases: ['gateway'] }, outside: {} },
    volumes: [readOnlyMount(plan.credentialFile, '/run/secrets/credential')],
    healthcheck: health(plan, ['CMD', 'bash', '-c', 'exec 3<>/dev/tcp/127.0.0.1/8787']),
  })
}

function health({ startInterval }: TwinPlan, test: readonly string[]) {
  // Engines before 25 do not know start_interval, and reject it.
  return startInterval
    ? { test, interval: '5s', start_interval: '250ms', start_period: '20s', timeout: '5s' }
    : { test, interval: '1s', start_period: '20s', timeout: '5s' }
}
