import { constants } from 'node:fs'
import { mkdir, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { ParentProxy } from '../config/parent-proxy.ts'
import { renderParentConf } from '../egress/parent-conf.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { replaceFile } from '../files/replace-file.ts'
import { caBundleCandidates } from '../images/build-network.ts'
import { exec } from '../process/exec.ts'
import { troubleOfStatus } from './parent-answer.ts'

type User = { uid: number; gid: number }

/**
 * Writes the folder that the proxy reads its way to the parent proxy from. It holds the password, so `reader`
 * alone can open it. A running proxy takes a changed file over.
 */
export async function writeParentFolder(
  folder: string,
  parent: ParentProxy,
  options: { reader: User; authorities: string },
) {
  const { reader, authorities } = options
  const root = process.getuid?.() === 0
  await mkdir(folder, { recursive: true, mode: 0o700 })
  // By file handle: the folder's former owner must not choose the path whose owner changes.
  const opened = await open(folder, constants.O_DIRECTORY | constants.O_NOFOLLOW)
  try {
    await opened.chmod(0o700)
    if (root) await opened.chown(reader.uid, reader.gid)
  } finally {
    await opened.close()
  }
  const write = (name: string, text: string) =>
    replaceFile(
      join(folder, name),
      async file => {
        await file.writeFile(text)
        if (root) await file.chown(reader.uid, reader.gid)
      },
      { mode: 0o400 },
    )
  if (parent.tls) await write('ca.pem', authorities)
  await write('parent.conf', renderParentConf(parent))
}

/** Returns the certificate authorities of this host and the user's own, for a parent proxy that speaks TLS. */
export async function hostAuthorities(
  parent: ParentProxy,
  env: NodeJS.ProcessEnv,
  extra: string | undefined,
): Promise<string> {
  if (!parent.tls) return ''
  const paths = [...new Set([...caBundleCandidates(env), ...(extra ? [extra] : [])])]
  const bundles = await Promise.all(paths.map(path => readFile(path, 'utf8').catch(() => '')))
  const text = bundles.filter(bundle => bundle.includes('BEGIN CERTIFICATE')).join('\n')
  if (text !== '') return text
  throw new UserError(`this host has no certificate authorities to verify ${parent.address} with`, {
    hint: 'set EXTRA_CA_CERTS in .env to the PEM file of its authority',
  })
}

const checker = '/usr/local/lib/claude-secure/check-parent'

/** Asks the parent proxy, from the stack's proxy, for a tunnel to `name`; returns the trouble, or null. */
export async function parentTrouble(
  docker: DockerClient,
  container: string,
  name: string,
  signal?: AbortSignal,
): Promise<string | null> {
  const { code, stdout } = await exec(docker.file, ['exec', container, checker, name], {
    env: docker.env,
    timeout: 60_000,
    limit: 64 * 1024,
    signal,
  }).catch(error => {
    signal?.throwIfAborted()
    return { code: 1, stdout: '', error }
  })
  const status = /^HTTP\/\d\.\d (\d{3})/.exec(stdout)?.[1]
  if (code === 0 && status) return troubleOfStatus(Number(status), name)
  return stdout.trim() === '' ? 'does not answer' : `answers ${terminalLine(stdout, 60)}`
}
