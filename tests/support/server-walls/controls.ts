import { wallClaims } from './claims.ts'

/** A control of the server's stack, taken out, and what must notice it. */
export type ServerControl = {
  control: string
  /** Of the walls' own tests; none where only the audit looks. */
  claims: readonly RegExp[]
  /** Claims of `serve audit`, each after the id of its probe. */
  audit: readonly string[]
  file: 'compose.server.yaml' | 'proxy/squid.conf' | 'src/gateway/http/tenant-network.ts'
  remove: (text: string) => string
}

const inEach = (claim: (worker: string) => string) =>
  ['worker-main', 'worker-team-b'].map(worker => claim(worker))

const swap = (before: string | RegExp, after: string) => (text: string) => {
  const changed = text.replace(before, after)
  if (changed === text) throw new Error(`${before} is not in the file`)
  return changed
}

/** All are taken out of one stack: their claims do not overlap, except where two are named. */
export const serverControls: readonly ServerControl[] = [
  {
    control: 'no capabilities',
    claims: [/ordinary user/],
    audit: ['C2 every service drops all capabilities', 'C2 no process has a capability'],
    file: 'compose.server.yaml',
    remove: swap('  cap_drop: [ALL]\n', ''),
  },
  {
    control: 'the workers meet no other network',
    claims: [/no worker reaches another/],
    audit: inEach(worker => `W1 ${worker} reaches no other worker`),
    file: 'compose.server.yaml',
    // A network of their own: on another one the name of the proxy leads to its address there.
    remove: text =>
      swap(
        'networks: [tenant-main-internal]',
        'networks: [tenant-main-internal, extra-internal]',
      )(
        swap(
          '  services-internal: *internal\n',
          '  services-internal: *internal\n  extra-internal: *internal\n',
        )(text),
      ),
  },
  {
    control: 'the server is on no network of a worker',
    claims: [/packet path to the API/, /meet no worker/],
    audit: [
      'W1 worker-main has no packet path to the API',
      'W5 the server reaches no worker, no gateway, no host and no internet',
    ],
    file: 'compose.server.yaml',
    remove: swap(
      '      front-internal: { aliases: [server] }\n',
      '      front-internal: { aliases: [server] }\n      tenant-main-internal: {}\n',
    ),
  },
  {
    control: 'the server has no network with a way out',
    claims: [/no way out/],
    audit: ['W5 the server reaches no worker, no gateway, no host and no internet'],
    file: 'compose.server.yaml',
    remove: swap(
      '      front-internal: { aliases: [server] }\n',
      '      front-internal: { aliases: [server] }\n      proxy-external: {}\n',
    ),
  },
  {
    control: 'a worker gets the folder of its tenant alone',
    claims: [/its own files/],
    audit: inEach(worker => `W2 ${worker} mounts what is its tenant's`),
    file: 'compose.server.yaml',
    remove: swap(
      /source: \$\{WORKSPACES_DIR:\?\}\/main\n {8}target: \/workspaces\n/,
      'source: ${WORKSPACES_DIR:?}\n        target: /workspaces\n',
    ),
  },
  {
    control: 'the server only reads its tokens',
    claims: [/cannot change its tokens/],
    audit: [
      'W6 the server cannot change its tokens, sockets and counts, nor the folder of all tenants',
    ],
    file: 'compose.server.yaml',
    remove: swap(
      'target: /etc/claude-secure/server\n        read_only: true\n',
      'target: /etc/claude-secure/server\n',
    ),
  },
  {
    control: 'the list of the server is the server’s alone',
    claims: [/a list of their own/],
    audit: inEach(worker => `W4 the proxy refuses ${worker} the names of every other list`),
    file: 'proxy/squid.conf',
    remove: swap(
      'acl server_listed all-of server server_sites',
      'acl server_listed any-of server_sites',
    ),
  },
  {
    control: 'a placeholder is worth something on the network of its tenant alone',
    claims: [],
    audit: inEach(worker => `W3 the gateway takes no placeholder of another tenant from ${worker}`),
    file: 'src/gateway/http/tenant-network.ts',
    remove: swap("(await networkOf(tenant))?.check(caller, 'ipv4') ?? false", 'true'),
  },
  {
    control: 'no answer finds its way back to the ingress',
    claims: [],
    audit: ['W5 the ingress has no way out to the internet'],
    file: 'compose.server.yaml',
    remove: swap(
      "    driver_opts: { com.docker.network.bridge.enable_ip_masquerade: 'false' }\n",
      '',
    ),
  },
  {
    control: 'of the policy, the server gets the grants alone',
    claims: [],
    audit: ['W7 of the policy, the server holds the grants and no list'],
    file: 'compose.server.yaml',
    // biome-ignore-start lint/suspicious/noTemplateCurlyInString: Compose's own form
    remove: swap(
      'source: ${SERVER_GRANTS:?}\n        target: /var/lib/claude-secure/grants\n',
      'source: ${PROXY_FOLDER:?}\n        target: /var/lib/claude-secure/grants\n',
    ),
    // biome-ignore-end lint/suspicious/noTemplateCurlyInString: Compose's own form
  },
  {
    control: 'a grant opens nothing above the ceiling',
    claims: [],
    audit: ['W7 a granted name that the ceiling does not have stays closed'],
    file: 'proxy/squid.conf',
    remove: swap(
      'acl grant_listed all-of agent granted_server grantable_sites',
      'acl grant_listed all-of agent granted_server',
    ),
  },
]

/** The probes of `serve audit` that look at these controls. */
export const auditedProbes = [
  ...new Set(serverControls.flatMap(({ audit }) => audit.map(claim => claim.split(' ')[0] ?? ''))),
]

/**
 * Turns red with the way out of the ingress, where a router beyond this host answers for every address: the probe takes
 * its answer for that of a worker.
 */
export const mayTurnRed =
  'W5 the ingress reaches the server, and neither a worker, nor the gateway or the proxy'

/** The claims of `serve audit` that must turn red: the walls' claims are exactly these. */
export function expectedAudit(): string[] {
  return [...new Set(serverControls.flatMap(({ audit }) => audit))].sort()
}

/** The names of the claims that must turn red. */
export function expectedRed(): string[] {
  const patterns = serverControls.flatMap(({ claims }) => claims)
  return wallClaims
    .map(({ name }) => name)
    .filter(name => patterns.some(pattern => pattern.test(name)))
}
