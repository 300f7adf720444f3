import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { lastLine } from '../base/terminal-text.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { confined } from '../engine/throwaway-container.ts'
import { replaceFile } from '../files/replace-file.ts'
import { exec } from '../process/exec.ts'

/** EXTRA_CA_CERTS joined with the authorities of the agent's image, in the forms that programs read. */
export type AuthorityFiles = {
  /** A copy of the user's PEM, which containers of any user can read. */
  own: string
  /** PEM, for OpenSSL, GnuTLS, Go, Python and others. */
  pem: string
  /** PKCS12, for Java. */
  java: string
}

/** Where Debian's programs look, so that most need no variable. */
export const authorityTargets = {
  pem: '/etc/ssl/certs/ca-certificates.crt',
  java: '/etc/ssl/certs/java/cacerts',
} as const

/** For programs that bring their own list of authorities, or none. */
export const authorityVariables: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ...['SSL_CERT_FILE', 'CURL_CA_BUNDLE', 'GIT_SSL_CAINFO', 'REQUESTS_CA_BUNDLE', 'PIP_CERT'],
    ...['CARGO_HTTP_CAINFO', 'AWS_CA_BUNDLE', 'DENO_CERT', 'NIX_SSL_CERT_FILE'],
  ].map(name => [name, authorityTargets.pem]),
)

/**
 * Writes both files from the user's PEM on stdin. Java trusts a PKCS12 entry only with its own attribute, and
 * reads its default file without a password: an encrypted one counts as empty.
 */
const script = `set -e; cd /tmp
cat ${authorityTargets.pem} - > all.pem
openssl pkcs12 -export -nokeys -in all.pem -jdktrust anyExtendedKeyUsage -certpbe NONE -nomac -passout pass: -out java.p12
cat all.pem; echo '${'='.repeat(20)} java'; base64 --wrap 0 java.p12`

const separator = `\n${'='.repeat(20)} java\n`

/** Returns the files for a stack, made once for each image and each EXTRA_CA_CERTS. */
export async function ensureAuthorities(
  docker: DockerClient,
  options: { image: string; extra: string; folder: string; signal: AbortSignal },
): Promise<AuthorityFiles> {
  const { image, extra, folder, signal } = options
  // A line end between the two lists, or their certificates run together.
  const own = `\n${await readFile(extra, 'utf8')}\n`
  const key = createHash('sha256')
    .update(JSON.stringify([image, own, script]))
    .digest('hex')
  const name = key.slice(0, 16)
  const files = {
    own: join(folder, `${name}.own.pem`),
    pem: join(folder, `${name}.pem`),
    java: join(folder, `${name}.p12`),
  }
  await mkdir(folder, { recursive: true, mode: 0o755 })
  const present = await readdir(folder)
  if (Object.values(files).every(path => present.includes(basename(path)))) return files
  const args = ['run', ...confined, '--interactive', '--tmpfs', '/tmp:mode=1777']
  const result = await exec(
    docker.file,
    [...args, '--user', '65534:65534', '--entrypoint', 'sh', image, '-c', script],
    { env: docker.env, input: own, timeout: 60_000, signal },
  )
  const [pem, java] = result.stdout.split(separator)
  if (result.code !== 0 || !pem || !java) {
    throw new UserError(
      `EXTRA_CA_CERTS=${extra} cannot be joined with the authorities of the image: ${lastLine(result.stderr, 200)}`,
      { hint: 'check the file: openssl storeutl -noout -certs FILE' },
    )
  }
  await replaceFile(files.own, own.trimStart(), { mode: 0o444 })
  await replaceFile(files.java, Buffer.from(java, 'base64'), { mode: 0o444 })
  await replaceFile(files.pem, `${pem}\n`, { mode: 0o444 })
  return files
}
