import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build, type OutputFile } from 'esbuild'
import type { Test } from 'tap'
import { cloudHosts } from '../cloud-apis/cloud-api.ts'
import type { Zone } from '../internet/dns.ts'
import { createAuthority, issueCertificate } from '../messages-api/certificate.ts'
import type { SeenRequest } from '../messages-api/stand-in.ts'
import { type RemoteControl, remoteControl } from '../telegram/remote-control.ts'
import { claimPart, partOf } from './address-part.ts'
import { repository, temporaryFolder } from './checkout.ts'
import { must, run, until } from './process.ts'

/** What the stand-in internet saw of a test. */
export type InternetEvent =
  | { kind: 'dns'; name: string; type: string }
  | { kind: 'tcp'; port: number }
  | { kind: 'http'; host: string; sni: string; url: string; received: number }

export type Internet = {
  /** PEM of the throw-away authority, in a file. */
  authority: string
  subnet: string
  dns: string
  /** Address of the stand-in for Anthropic's API. */
  model: string
  /** Joins the network of a stack that is up, before anything in it needs the internet. */
  attach: (stack: string, image: string) => Promise<void>
  /** Leaves it again: a network with a stranger in it cannot be removed. */
  detach: () => Promise<void>
  /** Container of the stand-in sites, once attached. */
  sites: () => string
  /** Container of the stand-in for the model API, once attached. */
  modelContainer: () => string
  events: () => Promise<InternetEvent[]>
  /** Requests at the stand-in for Anthropic's API. */
  modelRequests: () => Promise<SeenRequest[]>
  forgetModelRequests: () => Promise<void>
  /** Control of the stand-in for Telegram's Bot API, once attached; only with `telegram`. */
  telegram: RemoteControl
}

const names = [
  'allowed.test',
  '*.allowed.test',
  'other.test',
  'evil.test',
  'granted.test',
  'flip.test',
  'private.test',
  'mixed.test',
  'metadata.test',
  '*.corp.test',
]

/**
 * `block` separates the stacks of one test: an even and an odd one have different parts of the test
 * network (address-part.ts). `apart`: the engine's networks are not this machine's, so
 * that the stand-ins are asked through the engine.
 */
export async function createInternet(
  t: Test,
  options: {
    block?: 0 | 1 | 2 | 3
    zone?: Zone
    apart?: boolean
    /** With the Bot API, as api.telegram.org. */
    telegram?: boolean
  } = {},
): Promise<Internet> {
  const block = options.block ?? 0
  // The networks of an engine apart are not this machine's.
  if (!options.apart) await claimPart(t, partOf(block))
  const model = addressIn(block, 10)
  const telegram = addressIn(block, 11)
  const sites = sitesAddress(block)
  const zone: Zone = {
    'api.anthropic.com': [[model]],
    ...Object.fromEntries(cloudHosts.map(name => [name, [[model]]])),
    ...(options.telegram && { [telegramHost]: [[telegram]] }),
    'allowed.test': [[sites]],
    'other.test': [[sites]],
    'evil.test': [[sites]],
    'granted.test': [[sites]],
    ...options.zone,
  }
  const folder = await temporaryFolder(t, 'internet')
  await mkdir(join(folder, 'files'))
  await writePrograms(join(folder, 'files'))
  const authority = createAuthority()
  await writeFile(join(folder, 'files/ca.pem'), authority.certificate)
  for (const [name, hosts] of [
    ['model', ['api.anthropic.com', ...cloudHosts]],
    ['sites', names],
    ['telegram', [telegramHost]],
  ] as const) {
    const { cert, key } = issueCertificate(authority, hosts)
    await writeFile(join(folder, `files/${name}.pem`), cert)
    await writeFile(join(folder, `files/${name}.key`), key)
  }
  const containers: string[] = []
  const detach = async () => {
    const ids = containers.splice(0)
    if (ids.length > 0) await run('docker', ['rm', '--force', '--volumes', ...ids])
  }
  t.teardown(detach)

  const launch = async (
    name: string,
    ip: string,
    network: string,
    image: string,
    env: string[],
  ) => {
    const id = await must('docker', [
      'run',
      '--detach',
      '--init',
      // The internet is still there after an engine was restarted.
      '--restart',
      'always',
      '--user',
      '0',
      '--network',
      network,
      '--ip',
      ip,
      '--volume',
      `${join(folder, 'files')}:/standin:ro`,
      '--env',
      `TLS_CERT_FILE=/standin/${name}.pem`,
      '--env',
      `TLS_KEY_FILE=/standin/${name}.key`,
      ...env.flatMap(pair => ['--env', pair]),
      '--entrypoint',
      'node',
      image,
      `/standin/${name}.js`,
    ])
    containers.push(id.trim())
    return id.trim()
  }
  let sitesContainer = ''
  let modelContainer = ''
  const askModel = async (method: 'GET' | 'DELETE') => {
    if (!options.apart) {
      const answer = await fetch(`http://${model}/__requests`, { method })
      return method === 'GET' ? answer.json() : null
    }
    const script = `fetch('http://127.0.0.1/__requests', { method: '${method}' })
      .then(answer => answer.text()).then(text => process.stdout.write(text))`
    const text = await must('docker', ['exec', modelContainer, 'node', '-e', script])
    return method === 'GET' ? JSON.parse(text) : null
  }

  return {
    authority: join(folder, 'files/ca.pem'),
    subnet: `${addressIn(block, 0)}/28`,
    dns: sites,
    model,
    detach,
    async attach(stack, image) {
      const network = `${stack}_proxy-external`
      const variables = [`ZONE=${JSON.stringify(zone)}`]
      ;[modelContainer, sitesContainer] = await Promise.all([
        launch('model', model, network, image, []),
        launch('sites', sites, network, image, variables),
        options.telegram && launch('telegram', telegram, network, image, []),
      ])
      await Promise.all([
        until('the stand-in for the model API', async () =>
          askModel('GET').then(
            () => true,
            () => false,
          ),
        ),
        options.telegram &&
          until('the stand-in for the Bot API', async () =>
            remoteControl(`http://${telegram}`)
              .updates()
              .catch(() => null),
          ),
        // By what listens there: a question would be an event that a test did not ask for.
        until('the stand-in sites and their DNS', async () => {
          const command = ['exec', sitesContainer, 'cat', '/proc/net/tcp', '/proc/net/udp']
          const { stdout } = await run('docker', command)
          return [':01BB ', ':20FB ', ':0035 '].every(port => stdout.includes(port))
        }),
      ])
    },
    sites: () => sitesContainer,
    modelContainer: () => modelContainer,
    async events() {
      // The engine writes its log some time after the stand-in printed: up to a line of our own it is complete.
      const mark = `mark ${randomBytes(8).toString('hex')}`
      await must('docker', ['exec', sitesContainer, 'sh', '-c', `echo ${mark} > /proc/1/fd/1`])
      const text = await until('the events', async () => {
        const logged = await must('docker', ['logs', sitesContainer])
        return logged.includes(mark) && logged
      })
      return text
        .slice(0, text.indexOf(mark))
        .split('\n')
        .filter(line => line.startsWith('{'))
        .map(line => JSON.parse(line))
    },
    async modelRequests() {
      return (await askModel('GET')) as SeenRequest[]
    },
    async forgetModelRequests() {
      await askModel('DELETE')
    },
    telegram: remoteControl(`http://${telegram}`),
  }
}

const telegramHost = 'api.telegram.org'

function addressIn(block: number, host: number) {
  return `203.0.113.${128 + partOf(block) * 16 + host}`
}

/** The address of all sites but the Messages API, and of the DNS. */
export function sitesAddress(block: number) {
  return addressIn(block, 12)
}

/** The address for a host of repositories, which a test starts beside them. */
export function gitHostAddress(block: number) {
  return addressIn(block, 13)
}

const bundled: { programs?: Promise<readonly OutputFile[]> } = {}

/** Writes the programs of the stand-ins, which are bundled once in a process. */
async function writePrograms(folder: string) {
  bundled.programs ??= bundlePrograms()
  for (const { path, contents } of await bundled.programs)
    await writeFile(join(folder, basename(path)), contents)
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
}

async function bundlePrograms() {
  const { outputFiles } = await build({
    absWorkingDir: repository,
    entryPoints: {
      model: 'tests/support/messages-api/main.ts',
      sites: 'tests/support/internet/main.ts',
      telegram: 'tests/support/telegram/main.ts',
    },
    outdir: 'unused',
    write: false,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    banner: {
      js: "import { createRequire as r } from 'node:module'; const require = r(import.meta.url);",
    },
    logLevel: 'error',
  })
  return outputFiles
}
