import { chmod, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Test } from 'tap'
import { temporaryFolder } from '../stack/checkout.ts'
import { must, run, until } from '../stack/process.ts'
import type { TestStack } from '../stack/test-stack.ts'

/** A company's proxy: Squid in a container on a stack's outer network, where it alone finds the internet. */
export type ParentStandIn = {
  /** Lines of its access log: address of the caller, user, status, request. */
  requests: () => Promise<string[]>
  stop: () => Promise<void>
  start: () => Promise<void>
  remove: () => Promise<void>
}

export type ParentOptions = {
  ip: string
  /** Asks for this user and password. */
  login?: { user: string; password: string }
  /** Names that it refuses. */
  refuses?: readonly string[]
}

/** Port 3128 speaks HTTP, and 3129 TLS with the certificate of the stand-in sites. */
export async function createParentStandIn(
  t: Test,
  stack: TestStack,
  { ip, login, refuses = [] }: ParentOptions,
): Promise<ParentStandIn> {
  const folder = await temporaryFolder(t, 'parent')
  await chmod(folder, 0o755)
  const files = dirname(stack.internet.authority)
  if (login) {
    const line = [login.user, login.password].map(asSquidEscapes).join(' ')
    const program = `{ print (toupper(${JSON.stringify(line)}) == toupper($0) ? "OK" : "ERR"); fflush() }\n`
    await writeFile(join(folder, 'login.awk'), program)
  }
  const conf = [
    'http_port 3128',
    'https_port 3129 tls-cert=/standin/sites.pem tls-key=/standin/sites.key',
    ...(login
      ? [
          'auth_param basic program /usr/bin/mawk -Winteractive -f /parent/login.awk',
          'auth_param basic children 1',
          'acl user proxy_auth REQUIRED',
          'http_access deny !user',
        ]
      : []),
    ...refuses.map(name => `acl refused dstdomain -n ${name}`),
    ...(refuses.length > 0 ? ['http_access deny refused'] : []),
    'http_access allow CONNECT',
    'http_access deny all',
    'cache deny all',
    'pid_filename none',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    'error_directory /usr/local/share/claude-secure/errors',
    'logformat seen %>a %un %Ss/%03>Hs %rm %ru',
    'access_log stdio:/dev/stdout logformat=seen',
    'cache_log /dev/null',
  ]
  await writeFile(join(folder, 'squid.conf'), `${conf.join('\n')}\n`)
  const inspect = ['inspect', '--format', '{{.Config.Image}}', stack.container('proxy')]
  const image = (await must('docker', inspect)).trim()
  const id = (
    await must('docker', [
      ...['run', '--detach', '--network', `${stack.stack}_proxy-external`, '--ip', ip],
      ...['--dns', stack.internet.dns, '--volume', `${folder}:/parent:ro`],
      ...['--volume', `${files}:/standin:ro`],
      ...['--entrypoint', 'squid', image, '-N', '-f', '/parent/squid.conf'],
    ])
  ).trim()
  const remove = async () => void (await run('docker', ['rm', '--force', id]))
  t.teardown(remove)
  const listens = async () => {
    const { stdout } = await run('docker', ['exec', id, 'cat', '/proc/net/tcp', '/proc/net/tcp6'])
    return stdout.includes(':0C39 ')
  }
  await until('the parent proxy', listens)
  return {
    remove,
    async requests() {
      return (await must('docker', ['logs', id])).trim().split('\n').filter(Boolean)
    },
    async stop() {
      await must('docker', ['stop', '--time', '1', id])
    },
    async start() {
      await must('docker', ['start', id])
      await until('the parent proxy', listens)
    },
  }
}

/** Squid tells a login helper both words with the unsafe characters of RFC 1738 escaped. */
function asSquidEscapes(text: string): string {
  return [...Buffer.from(text)]
    .map(byte => {
      const character = String.fromCharCode(byte)
      const unsafe = byte <= 0x20 || byte >= 0x7f || '<>"#%{}|\\^~[]`\''.includes(character)
      return unsafe ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}` : character
    })
    .join('')
}
