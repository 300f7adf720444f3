import { exec } from '../process/exec.ts'

/** Where a build step finds the host's certificate authorities. */
export const caSecretPath = '/run/secrets/ca-certificates'

const transferred =
  /^Acquire::(?:(?:https?)::(?:[^\s:]+::)?(?:Proxy|Verify-Peer|Verify-Host|Timeout|CAInfo)|Check-Valid-Until|Check-Date|Retries) /i

/**
 * What of the host's apt configuration decides how a mirror is reached: proxies, certificates,
 * validity checks. `caPath` replaces the host's certificate paths, which mean nothing in a container.
 */
export function transferConfiguration(
  dump: string,
  env: NodeJS.ProcessEnv,
  caPath: string,
): string {
  const lines = dump
    .split('\n')
    .filter(line => transferred.test(line) && !/::CAInfo /i.test(line) && !/ "";$/.test(line))
  const proxies = [
    ['http', env.http_proxy],
    ['https', env.https_proxy ?? env.HTTPS_PROXY],
  ] as const
  for (const [scheme, url] of proxies) {
    const own = new RegExp(`^Acquire::${scheme}::Proxy `, 'i')
    if (url && /^[^"\s]+$/.test(url) && !lines.some(line => own.test(line))) {
      lines.push(`Acquire::${scheme}::Proxy "${url}";`)
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

/** The host's bundle: a network that inspects TLS has its authority there or in these variables. */
export function caBundleCandidates(env: NodeJS.ProcessEnv): string[] {
  return [
    env.SSL_CERT_FILE,
    '/etc/ssl/certs/ca-certificates.crt',
    '/etc/pki/tls/certs/ca-bundle.crt',
    env.NODE_EXTRA_CA_CERTS,
  ].filter((path): path is string => Boolean(path))
}
