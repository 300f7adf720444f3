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
  return { 'apt-conf': configuration, 'ca-certificates': authorities }
}
