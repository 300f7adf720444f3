import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must } from '../stack/process.ts'

export type Resources = { containers: string[]; networks: string[]; volumes: string[] }

/** What the engine has of a stack, in whatever state: containers by id, the rest by name. */
export async function resourcesOf(stack: string): Promise<Resources> {
  const list = async (kind: string, format: string, ...options: string[]) =>
    (
      await must('docker', [
        ...[kind, 'ls', ...options, '--format', format, '--no-trunc'].filter(
          word => kind !== 'volume' || word !== '--no-trunc',
        ),
        ...['--filter', `label=com.docker.compose.project=${stack}`],
      ])
    )
      .split('\n')
      .filter(Boolean)
      .sort()
  return {
    containers: await list('container', '{{.ID}}', '--all'),
    networks: await list('network', '{{.Name}}'),
    volumes: await list('volume', '{{.Name}}'),
  }
}

/** Processes, other than this one, that have one of the words in their command line. */
export async function processesWith(words: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    const text = await readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => '')
    if (words.some(word => text.includes(word))) found.push(text.replaceAll('\0', ' ').trim())
  }
  return found
}

export async function mountsWith(
  words: readonly string[],
  table = '/proc/self/mountinfo',
): Promise<string[]> {
  const lines = (await readFile(table, 'utf8')).split('\n')
  return lines.filter(line => words.some(word => line.includes(word)))
}

/** Whether a command holds the lock of the stack. Abstract sockets show with an @ in place of the NUL. */
export async function isLocked(stack: string): Promise<boolean> {
  const text = await readFile('/proc/net/unix', 'utf8')
  return text
    .split('\n')
    .some(line => line.includes('@claude-secure/') && line.endsWith(`/${stack}`))
}
