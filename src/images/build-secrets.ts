import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { caBundleCandidates, caSecretPath, readTransferConfiguration } from './apt-configuration.ts'

/**
 * What a build step needs to reach the mirror from this network and no image may keep: apt's proxies,
 * and the certificate authorities of the host. Resolves with the files by the id of the secret.
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

/** What programs ask for a file of authorities in their environment. */
const authorityNames = [
  'SSL_CERT_FILE',
  'CURL_CA_BUNDLE',
  'REQUESTS_CA_BUNDLE',
  'PIP_CERT',
  'NODE_EXTRA_CA_CERTS',
  'GIT_SSL_CAINFO',
]

/** For a shell to read: the way out of this network, for programs that are not apt. */
export function networkVariables(env: NodeJS.ProcessEnv, authorities: boolean): string {
  const quote = (value: string) => `'${value.replaceAll("'", "'\\''")}'`
  const proxies = proxyNames.flatMap(name => {
    const value = env[name] ?? env[name.toUpperCase()]
    return value ? [name, name.toUpperCase()].map(each => `export ${each}=${quote(value)}\n`) : []
  })
  const files = authorities ? authorityNames.map(name => `export ${name}=${caSecretPath}\n`) : []
  return [...proxies, ...files].join('')
}
