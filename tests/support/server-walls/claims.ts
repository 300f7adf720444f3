import { createServer } from 'node:net'
import { must } from '../stack/process.ts'
import type { TestServer } from '../stack/test-server.ts'
import { addressesOf, hostAddresses, reached, throughProxy } from './attempts.ts'

/** The tenants of a server whose walls are tried. */
export const wallTenants = 'tenants: [{ name: main }, { name: team-b }]'

export type WallClaim = {
  name: string
  /** Returns what got through; empty when the wall holds. Throws when the counterpart fails. */
  leaks: (server: TestServer) => Promise<string[]>
}

const workers = ['worker-main', 'worker-team-b'] as const

export const wallClaims: readonly WallClaim[] = [
  {
    name: 'no worker has a packet path to the API',
    async leaks(server) {
      const targets = await Promise.all(
        ['server', 'ingress'].map(name => addressesOf(server, name)),
      )
      const published = Number(new URL(server.url).port)
      const all = [
        ...targets.flat().map(({ address }) => `${address}:8080`),
        ...['server', 'server-side', 'ingress', 'egress'].map(name => `${name}:8080`),
        ...hostAddresses().map(address => `${address}:${published}`),
      ]
      await must('docker', ['exec', server.container('worker-main'), 'true'])
      await mustReach(server, 'worker-main', 'gateway:8787')
      await mustReach(server, 'ingress', `server:8080`)
      const found = await Promise.all(workers.map(from => reached(server, from, all)))
      return found.flat()
    },
  },
  {
    name: 'no worker reaches another',
    async leaks(server) {
      const found: string[] = []
      for (const [from, to] of [
        ['worker-main', 'worker-team-b'],
        ['worker-team-b', 'worker-main'],
      ] as const) {
        const targets = (await addressesOf(server, to)).map(({ address }) => `${address}:9555`)
        const own = await reached(server, to, targets)
        if (own.length === 0) throw new Error(`${to} does not reach itself at ${targets.join()}`)
        found.push(...(await reached(server, from, targets)))
      }
      return found
    },
  },
  {
    name: 'a worker has its own files, and none of the server or of another tenant',
    async leaks(server) {
      const paths = [
        ...['/etc/claude-secure/server', '/var/lib/claude-secure', '/run/secrets/workers'],
        ...['/run/secrets/credential', '/run/claude-secure/workers', '/workspaces/team-b'],
      ]
      const { stdout } = await server.inside('worker-main', [
        'sh',
        '-c',
        `ls -d ${paths.join(' ')}`,
      ])
      const { stdout: mounts } = await server.inside('worker-main', ['cat', '/proc/self/mountinfo'])
      if (!mounts.includes(' /workspaces ')) throw new Error('the worker has no workspace')
      const { stdout: theirs } = await server.inside('server', ['ls', '/workspaces'])
      if (!theirs.includes('team-b')) throw new Error('the server has no workspace of team-b')
      return [...stdout.split('\n'), ...(mounts.match(/team-b/g) ?? [])].filter(Boolean)
    },
  },
  {
    name: 'a worker has its own placeholder, and the server has none',
    async leaks(server) {
      const variables = async (service: string) =>
        (await server.inside(service, ['cat', '/proc/1/environ'])).stdout
      const placeholder = (text: string) => /sk-ant-api03-placeholder-[\w-]+/.exec(text)?.[0] ?? ''
      const [main, other] = await Promise.all(
        workers.map(async name => placeholder(await variables(name))),
      )
      if (!main || !other) throw new Error('a worker has no placeholder')
      const shared = main === other ? ['both workers have one placeholder'] : []
      const beyond = await Promise.all(
        ['server', 'ingress'].map(async name => (placeholder(await variables(name)) ? [name] : [])),
      )
      return [...shared, ...beyond.flat()]
    },
  },
  {
    name: 'the server and the ingress meet no worker and no gateway, and the ingress no proxy',
    async leaks(server) {
      const inner = await Promise.all(
        [...workers, 'gateway'].map(name => addressesOf(server, name)),
      )
      const proxy = await addressesOf(server, 'proxy')
      const targets = inner.flat().flatMap(({ address }) => [`${address}:8787`, `${address}:22`])
      // Both have a network with a way out; Squid does not listen on that one.
      const proxies = proxy
        .filter(({ network }) => network.endsWith('-internal'))
        .map(({ address }) => `${address}:3128`)
      await mustReach(server, 'server', 'egress:3128')
      return [
        ...(await reached(server, 'server', targets)),
        ...(await reached(server, 'ingress', [...targets, ...proxies])),
      ]
    },
  },
  {
    name: 'the server has no way out but the proxy, and none to the host',
    async leaks(server) {
      let connections = 0
      const host = createServer(socket => {
        connections += 1
        socket.end()
      })
      await new Promise<void>(resolve => host.listen(0, '0.0.0.0', resolve))
      try {
        const address = host.address()
        const port = typeof address === 'object' && address ? address.port : 0
        const targets = hostAddresses().map(address => `${address}:${port}`)
        const outside = [
          `${server.internet.dns}:443`,
          `${server.internet.model}:443`,
          '1.1.1.1:443',
        ]
        const open = await reached(server, 'server', [...targets, ...outside])
        return connections > 0 ? [...open, 'a connection at the host'] : open
      } finally {
        host.close()
      }
    },
  },
  {
    name: 'the server, the gateway and the agents each have a list of their own',
    async leaks(server) {
      const names = ['allowed.test', 'other.test', 'evil.test', 'api.anthropic.com']
      const expected = [
        ...[
          ['server', 'egress', 'other.test'],
          ['worker-main', 'proxy', 'allowed.test'],
        ],
        ...[['worker-team-b', 'proxy', 'allowed.test']],
      ]
      const found: string[] = []
      for (const [from, proxy] of [
        ['server', 'egress'],
        ['worker-main', 'proxy'],
        ['worker-team-b', 'proxy'],
        ['gateway', 'egress'],
      ] as const) {
        for (const name of names) {
          if (from === 'gateway' && name === 'api.anthropic.com') continue
          const result = await throughProxy(server, from, proxy, name)
          const may = expected.some(([who, , what]) => who === from && what === name)
          if (may && result !== 'reached') throw new Error(`${from} → ${name}: ${result}`)
          if (!may && result !== 'refused') found.push(`${from} → ${name}: ${result}`)
        }
      }
      return found
    },
  },
  {
    name: 'the server cannot change its tokens, the sockets or the counts',
    async leaks(server) {
      const paths = [
        ...['/etc/claude-secure/server', '/run/secrets/workers', '/var/lib/claude-secure/usage'],
        ...['/run/claude-secure/workers/main', '/run/claude-secure/workers/team-b', '/workspaces'],
      ]
      const script = paths.map(path => `touch ${path}/x 2>/dev/null && echo ${path}`).join('; ')
      const own = await server.inside('server', [
        'sh',
        '-c',
        'touch /var/lib/claude-secure/server/x',
      ])
      if (own.code !== 0) throw new Error(`the server cannot write its own folder: ${own.stderr}`)
      const { stdout } = await server.inside('server', ['sh', '-c', `${script}; true`])
      return stdout.split('\n').filter(Boolean)
    },
  },
  {
    name: 'every container is an ordinary user without capabilities and with a read-only system',
    async leaks(server) {
      const found: string[] = []
      for (const service of ['ingress', 'server', ...workers, 'gateway', 'proxy']) {
        const { stdout } = await server.inside(service, ['cat', '/proc/1/status'])
        const value = (name: string) => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(stdout)?.[1]
        const { stdout: written } = await server.inside(service, [
          'sh',
          '-c',
          'echo x > /usr/x && echo written',
        ])
        const wrong = [
          value('Uid') === '0' && 'root',
          value('CapBnd') !== '0000000000000000' && 'capabilities',
          value('NoNewPrivs') !== '1' && 'new privileges',
          value('Seccomp') !== '2' && 'no seccomp',
          written.includes('written') && 'a writable system',
        ]
        found.push(...wrong.flatMap(what => (what ? [`${service}: ${what}`] : [])))
      }
      return found
    },
  },
  {
    name: 'the host has no address on an internal network',
    async leaks(server) {
      const filter = `label=com.docker.compose.project=${server.stack}`
      const format = '{{.ID}} {{.Name}}'
      const list = await must('docker', ['network', 'ls', '--filter', filter, '--format', format])
      const bridges = new Map(
        list
          .trim()
          .split('\n')
          .map(line => line.split(' '))
          .map(([id = '', name = '']) => [`br-${id}`, name]),
      )
      const { networkInterfaces } = await import('node:os')
      return [...bridges].flatMap(([bridge, name]) =>
        name.endsWith('-internal') &&
        (networkInterfaces()[bridge] ?? []).some(({ address }) => !address.startsWith('fe80:'))
          ? [name]
          : [],
      )
    },
  },
]

async function mustReach(server: TestServer, from: string, target: string) {
  const found = await reached(server, from, [target], 60_000)
  if (found.length === 0) throw new Error(`${from} does not reach ${target}, so nothing is proven`)
}
