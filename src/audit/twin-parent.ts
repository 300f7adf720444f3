import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile } from '../files/replace-file.ts'

/**
 * Writes a file that a container of the twin reads, in a folder that is mounted into it. The container's user is
 * another one, so both have their modes regardless of the umask.
 */
export async function writeTwinFile(folder: string, file: string, text: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await chmod(folder, 0o755)
  await replaceFile(join(folder, file), text, { mode: 0o644 })
}

/** Name of the twin's own parent proxy, which stands in for the company's. */
export const twinParentName = 'twin-parent'

/**
 * Returns the stack's way to its parent proxy, changed to lead to the twin's: its rules stay, so that a defect of
 * theirs affects the twin. The password does not go along.
 */
export function twinParentConf(inForce: string): string {
  return inForce
    .split('\n')
    .map(line => {
      if (!line.startsWith('cache_peer ')) return line
      const options = line.split(' ').slice(5)
      const kept = options.filter(option => !/^(login=|tls)/.test(option))
      return ['cache_peer', twinParentName, 'parent', '3128', '0', ...kept].join(' ')
    })
    .join('\n')
}

/** Renders the twin's parent: it opens every tunnel except to one listed name. */
export function twinParentSquidConf(refused: string): string {
  return [
    // Not on IPv6, so that the health check finds it in one table.
    'http_port 0.0.0.0:3128',
    `acl refused dstdomain -n ${refused}`,
    'http_access deny refused',
    'http_access allow CONNECT',
    'http_access deny all',
    'cache deny all',
    'negative_dns_ttl 1 second',
    'positive_dns_ttl 1 second',
    'pid_filename none',
    'pinger_enable off',
    'shutdown_lifetime 0 seconds',
    'error_directory /usr/local/share/claude-secure/errors',
    'access_log none',
    'cache_log /dev/null',
    '',
  ].join('\n')
}

/** Writes the files of a twin behind a parent proxy; returns their folders. */
export async function writeTwinParent(folder: string, inForce: string, refused: string) {
  const place = async (name: string, file: string, text: string) => {
    const path = join(folder, name)
    await writeTwinFile(path, file, text)
    return path
  }
  return {
    way: await place('parent', 'parent.conf', twinParentConf(inForce)),
    conf: await place('twin-parent', 'squid.conf', twinParentSquidConf(refused)),
  }
}
