import { createHash, randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, rmSync } from 'node:fs'
import { lstat, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMissing, systemCode, UserError } from '../base/errors.ts'
import { terminalLine } from '../base/terminal-text.ts'

const answerMilliseconds = 1_000
const answerBytes = 1_000
const retryMilliseconds = 20
/** Milliseconds after which an unfinished socket was left by a process that was killed. */
const unfinishedMilliseconds = 60_000

/**
 * Another process at a name: `held`, with the text it gave; `trying` to take it; or `leaving`, which closed its
 * socket. One that does not answer in time, as a suspended one, may hold it.
 */
type Other = { state: 'held' | 'trying' | 'leaving'; file: string; text: string }

/**
 * Takes a name as a lock in a folder that only this user can enter, and sends `text` to every process that
 * connects. Resolves with the function that frees the name, or null when another process holds it.
 *
 * Each process has a socket with a file of its own name, made before it looks at those of others; so of two at least
 * one sees the other and withdraws. No file name is used twice: the dead socket of a killed process can be
 * removed by everyone (decision 0003).
 */
export async function holdName(
  folder: string,
  name: string,
  text = '',
): Promise<(() => void) | null> {
  const own = await openFolder(folder, true)
  if (own === null) throw new Error(`${folder} is gone`)
  const begin = beginOf(name)
  const file = `${begin}${randomBytes(8).toString('hex')}`
  const unfinished = `.${file}`
  const state = { held: false }
  const server = await listen(
    own.path(unfinished),
    () => `${state.held ? 'held' : 'trying'} ${text}`,
  )
  const free = () => {
    try {
      rmSync(own.path(file), { force: true })
    } catch {
      // The next process removes a dead socket.
    }
    server.close()
    own.close()
  }
  try {
    // Only now others see it: a socket that does not listen yet would look dead.
    await rename(own.path(unfinished), own.path(file))
    for (;;) {
      const others = await othersAt(own, begin, file)
      if (others.length === 0) {
        state.held = true
        return free
      }
      // Of those that try at once, the first by name goes on when the rest has withdrawn.
      if (
        others.some(
          ({ state, file: other }) => state === 'held' || (state === 'trying' && other < file),
        )
      )
        break
      await sleep(retryMilliseconds)
    }
    free()
    return null
  } catch (error) {
    free()
    throw error
  }
}

/** Returns the text of the process that holds the name; null when no process does. */
export async function readHolder(folder: string, name: string): Promise<string | null> {
  const own = await openFolder(folder, false)
  if (own === null) return null
  try {
    const others = await othersAt(own, beginOf(name), '')
    return others.find(({ state }) => state === 'held')?.text ?? null
  } finally {
    own.close()
  }
}

/** Returns the folder for locks in one of these folders: of one user, because root may use another's home. */
export function lockFolder(root: string): string {
  return join(root, `locks-${process.getuid?.() ?? 0}`)
}

/** Names can be long and have slashes. */
function beginOf(name: string) {
  return `${createHash('sha256').update(name).digest('hex').slice(0, 32)}.`
}

type LockFolder = { path: (file: string) => string; close: () => void }

/**
 * Everything in the folder is reached by its descriptor: a socket's path has at most 107 bytes, and the owner of
 * a folder above may put a link in its place while root uses it (threat H7).
 */
async function openFolder(folder: string, make: boolean): Promise<LockFolder | null> {
  try {
    if (make) await mkdir(folder, { recursive: true, mode: 0o700 })
    const descriptor = openSync(
      folder,
      constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW,
    )
    const stats = fstatSync(descriptor)
    if (stats.uid !== process.getuid?.() || (stats.mode & 0o077) !== 0) {
      closeSync(descriptor)
      throw new UserError(
        `the folder for locks ${terminalLine(folder)} is open to other users (uid ${stats.uid}, mode ${(stats.mode & 0o777).toString(8)})`,
        { hint: `remove it while no command runs: rm -r ${terminalLine(folder)}` },
      )
    }
    return {
      path: file => `/proc/self/fd/${descriptor}/${file}`,
      close: () => closeSync(descriptor),
    }
  } catch (error) {
    if (!make && isMissing(error)) return null
    if (error instanceof UserError) throw error
    throw new UserError(
      `cannot use the folder for locks ${terminalLine(folder)} (${systemCode(error)})`,
      { hint: 'make it writable for your user', cause: error },
    )
  }
}

function listen(path: string, text: () => string) {
  return new Promise<Server>((resolve, reject) => {
    const server = createServer(socket => {
      socket.on('error', () => {})
      socket.end(text())
    })
    server.once('error', reject)
    // The lock alone must not keep the process alive.
    server.listen(path, () => resolve(server.unref()))
  })
}

async function othersAt(own: LockFolder, begin: string, file: string) {
  const names = await readdir(own.path(''))
  await removeUnfinished(own, names)
  const theirs = names.filter(name => name.startsWith(begin) && name !== file)
  const others = await Promise.all(theirs.map(name => ask(own, name)))
  await Promise.all(
    others.map((other, index) =>
      other === null ? rm(own.path(theirs[index] ?? ''), { force: true }) : null,
    ),
  )
  return others.filter(other => other !== null)
}

async function removeUnfinished(own: LockFolder, names: readonly string[]) {
  for (const name of names.filter(name => name.startsWith('.'))) {
    const stats = await lstat(own.path(name)).catch(() => null)
    if (stats && Date.now() - stats.mtimeMs > unfinishedMilliseconds) {
      await rm(own.path(name), { force: true })
    }
  }
}

/** Returns the process at a socket; null for a dead one. */
function ask(own: LockFolder, file: string): Promise<Other | null> {
  return new Promise(resolve => {
    let answer = ''
    const socket = connect(own.path(file))
    const end = (silent: 'held' | 'leaving') => {
      const [, state = silent, text = ''] = /^(held|trying) (.*)$/s.exec(answer) ?? []
      resolve({ state: state as Other['state'], file, text })
      socket.destroy()
    }
    socket.setTimeout(answerMilliseconds, () => end('held'))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED' || code === 'ENOENT') resolve(null)
      // A full queue is that of a living process.
      else end(code === 'ECONNRESET' || code === 'EPIPE' ? 'leaving' : 'held')
    })
    socket.once('close', () => end('leaving'))
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('utf8')
      if (answer.length > answerBytes) end('held')
    })
  })
}
