import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exec } from '../process/exec.ts'

/** Path of the host's certificate authorities in a build step. */
export const caSecretPath = '/run/secrets/ca-certificates'

const transferred =
  /^Acquire::(?:(?:https?)::(?:[^\s:]+::)?(?:Proxy|Verify-Peer|Verify-Host|Timeout|CAInfo)|Check-Valid-Until|Check-Date|Retries) /i

/**
 * Returns the part of the host's apt configuration that decides how apt reaches a mirror: proxies,
 * certificates and validity checks. `caPath` replaces the host's certificate paths, which do not
 * exist in a container.
 */
export function transferConfiguration(
  dump: string,
  env: NodeJS.ProcessEnv,
  caPath: string,
): string {
  const lines = dump
    .split('\n')
    .filter(line => transferred.test(line) && !/::CAInfo /i.test(line) && !/ "";$/.test(line))
  const direct = (env.no_proxy ?? env.NO_PROXY ?? '')
    .split(',')
    .map(name => name.trim().replace(/^\./, ''))
    .filter(name => /^[a-z0-9.-]+$/i.test(name))
  const proxies = [
    ['http', env.http_proxy],
    ['https', env.https_proxy ?? env.HTTPS_PROXY],
  ] as const
  for (const [scheme, url] of proxies) {
    const own = new RegExp(`^Acquire::${scheme}::Proxy `, 'i')
    if (url && /^[^"\s]+$/.test(url) && !lines.some(line => own.test(line))) {
      lines.push(`Acquire::${scheme}::Proxy "${url}";`)
      // apt knows no names below a name.
      for (const name of direct) lines.push(`Acquire::${scheme}::Proxy::${name} "DIRECT";`)
    }
  }
  lines.push(`Acquire::https::CAInfo "${caPath}";`)
  return `${lines.join('\n')}\n`
}

export async function readTransferConfiguration(
  env: NodeJS.ProcessEnv,
  caPath: string,
  signal?: AbortSignal,
): Promise<string> {
  const { stdout } = await exec('apt-config', ['dump'], { signal }).catch(() => ({ stdout: '' }))
  return transferConfiguration(stdout, env, caPath)
}

/**
 * Returns possible paths of the host's certificate bundle: a network that inspects TLS has its
 * authority there or in these variables.
 */
export function caBundleCandidates(env: NodeJS.ProcessEnv): string[] {
  return [
    env.SSL_CERT_FILE,
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/pki/tls/certs/ca-bundle.crt',
    env.NODE_EXTRA_CA_CERTS,
  ].filter((path): path is string => Boolean(path))
}

/**
 * Writes the files that a build step needs to reach the mirror and that no image may keep: apt's
 * proxies, and the host's certificate authorities. Returns the files by the id of the secret.
 */
export async function writeBuildSecrets(
  scratch: string,
  env: NodeJS.ProcessEnv,
  extra: string | undefined,
): Promise<Record<string, string>> {
  const paths = [...new Set([...caBundleCandidates(env), ...(extra ? [extra] : [])])]
  const bundles = await Promise.all(paths.map(path => readFile(path, 'utf8').catch(() => '')))
  const authorities = join(scratch, 'ca-certificates.pem')
  await writeFile(authorities, bundles.join('\n'))
  const configuration = join(scratch, 'apt.conf')
  await writeFile(configuration, await readTransferConfiguration(env, caSecretPath))
  const network = join(scratch, 'network.sh')
  await writeFile(network, networkVariables(env, /BEGIN CERTIFICATE/.test(bundles.join(''))))
  return { 'apt-conf': configuration, 'ca-certificates': authorities, network }
}

const proxyNames = ['http_proxy', 'https_proxy', 'no_proxy']

/** Variables in which programs look for a file of certificate authorities. */
const authorityNames = [
  'SSL_CERT_FILE',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'NODE_EXTRA_CA_CERTS',
  'GIT_SSL_CAINFO',
]

/**
 * Renders shell exports of the proxies and certificate authorities, for programs other than apt.
 */
export function networkVariables(env: NodeJS.ProcessEnv, authorities: boolean): string {
  const quote = (value: string) => `'${value.replaceAll("'", "'\\''")}'`
  const proxies = proxyNames.flatMap(name => {
    const value = env[name] ?? env[name.toUpperCase()]
    return value ? [name, name.toUpperCase()].map(each => `export ${each}=${quote(value)}\n`) : []
  })
  const files = authorities ? authorityNames.map(name => `export ${name}=${caSecretPath}\n`) : []
  return [...proxies, ...files].join('')
}
