import { wallClaims } from './claims.ts'

/** A control of compose.server.yaml or squid.conf, taken out, and the claims that must notice it. */
export type ServerControl = {
  control: string
  claims: readonly RegExp[]
  file: 'compose.server.yaml' | 'proxy/squid.conf'
  remove: (text: string) => string
}

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
    file: 'compose.server.yaml',
    remove: swap('  cap_drop: [ALL]\n', ''),
  },
  {
    control: 'the workers meet no other network',
    claims: [/no worker reaches another/],
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
    file: 'compose.server.yaml',
    remove: swap(
      '      front-internal: { aliases: [server] }\n',
      '      front-internal: { aliases: [server] }\n      tenant-main-internal: {}\n',
    ),
  },
  {
    control: 'the server has no network with a way out',
    claims: [/no way out/],
    file: 'compose.server.yaml',
    remove: swap(
      '      front-internal: { aliases: [server] }\n',
      '      front-internal: { aliases: [server] }\n      proxy-external: {}\n',
    ),
  },
  {
    control: 'a worker gets the folder of its tenant alone',
    claims: [/its own files/],
    file: 'compose.server.yaml',
    remove: swap(
      /source: \$\{WORKSPACES_DIR:\?\}\/main\n {8}target: \/workspaces\n/,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: Compose's own form
      'source: ${WORKSPACES_DIR:?}\n        target: /workspaces\n',
    ),
  },
  {
    control: 'the server only reads its tokens',
    claims: [/cannot change its tokens/],
    file: 'compose.server.yaml',
    remove: swap(
      'target: /etc/claude-secure/server\n        read_only: true\n',
      'target: /etc/claude-secure/server\n',
    ),
  },
  {
    control: 'the list of the server is the server’s alone',
    claims: [/a list of their own/],
    file: 'proxy/squid.conf',
    remove: swap(
      'acl server_listed all-of server server_sites',
      'acl server_listed any-of server_sites',
    ),
  },
]

/** The names of the claims that must turn red. */
export function expectedRed(): string[] {
  const patterns = serverControls.flatMap(({ claims }) => claims)
  return wallClaims
    .map(({ name }) => name)
    .filter(name => patterns.some(pattern => pattern.test(name)))
}
