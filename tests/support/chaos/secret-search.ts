import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { must, run } from '../stack/process.ts'
import type { TestStack } from '../stack/test-stack.ts'
import { resourcesOf } from './resources.ts'

/**
 * Everything of a stack that could show its secret, searched: what the engine tells, logs, environments
 * and command lines of all processes, volumes, writable layers, what is in memory file systems, the state
 * folder. Names the places where it was found. The gateway's own file is one of them, always: a search
 * that does not find it finds nothing.
 */
export async function whereIs(secret: string, stack: TestStack): Promise<string[]> {
  const { containers, networks, volumes } = await resourcesOf(stack.stack)
  const texts: Record<string, string> = {}
  const inspect = async (kind: string, ids: readonly string[]) => {
    if (ids.length > 0)
      texts[`docker ${kind} inspect`] = await must('docker', [kind, 'inspect', ...ids])
  }
  await inspect('container', containers)
  await inspect('network', networks)
  await inspect('volume', volumes)
  const parts: Inspected[] = JSON.parse(texts['docker container inspect'] ?? '[]')
  await inspect('image', [...new Set(parts.map(({ Image }) => Image))])
  const upper: string[] = []
  for (const { Id, Name, GraphDriver, State } of parts) {
    const { stdout, stderr } = await run('docker', ['logs', Id])
    texts[`docker logs ${Name}`] = stdout + stderr
    if (GraphDriver.Data.UpperDir) upper.push(GraphDriver.Data.UpperDir)
    if (!State.Running) continue
    // Its own view of the memory file systems. /run/secrets is where the gateway's file is mounted.
    const search = ['grep', '-rlsF', '--exclude-dir=secrets', '-f', '-', '/tmp', '/run', '/dev/shm']
    texts[`memory file systems of ${Name}`] = await run('docker', ['exec', '-i', Id, ...search], {
      input: secret,
    }).then(({ stdout: found }) => (found ? secret : ''))
  }
  const processes = await processTexts()
  const volumeFolders = (
    JSON.parse(texts['docker volume inspect'] ?? '[]') as { Mountpoint: string }[]
  ).map(({ Mountpoint }) => Mountpoint)
  const files = await filesWith(secret, [
    ...volumeFolders,
    ...upper,
    stack.workspace,
    stack.env.XDG_STATE_HOME ?? '',
  ])
  return [
    ...Object.keys({ ...texts }).filter(where => texts[where]?.includes(secret)),
    ...processes.filter(({ text }) => text.includes(secret)).map(({ name }) => name),
    ...files,
  ].sort()
}

type Inspected = {
  Id: string
  Name: string
  Image: string
  State: { Running: boolean }
  GraphDriver: { Data: { UpperDir?: string } }
}

/** Every layer of the stack's images, as the engine unpacked them. */
export async function layersWith(secret: string, stack: TestStack): Promise<string[]> {
  const { containers } = await resourcesOf(stack.stack)
  const format = '{{.GraphDriver.Data.LowerDir}}'
  const lower = await must('docker', ['container', 'inspect', '--format', format, ...containers])
  return filesWith(secret, [...new Set(lower.split(/[:\n]/).filter(Boolean))])
}

/** The pattern goes by stdin: on a command line the search would find itself. */
async function filesWith(secret: string, folders: readonly string[]): Promise<string[]> {
  const { stdout } = await run('grep', ['-rlsF', '-f', '-', ...folders], { input: secret })
  return stdout.split('\n').filter(Boolean)
}

/** All processes but this one, which made the secret. */
async function processTexts() {
  const texts: { name: string; text: string }[] = []
  for (const pid of (await readdir('/proc')).filter(name => /^\d+$/.test(name))) {
    if (Number(pid) === process.pid) continue
    for (const file of ['environ', 'cmdline']) {
      const path = join('/proc', pid, file)
      const text = await readFile(path, 'utf8').catch(() => '')
      texts.push({ name: path, text })
    }
  }
  return texts
}
