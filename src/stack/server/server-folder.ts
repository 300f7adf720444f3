import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { readRegularFile } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import { makeMountedFolder, type StateFolder } from '../state/state-folder.ts'

type User = { uid: number; gid: number }

/** Paths of the server's files in its state folder. */
export function serverFolder({ path }: Pick<StateFolder, 'path'>) {
  const access = join(path, 'server')
  return {
    /** Mounted into the server: its tenants, and the hashes of tokens. */
    access,
    tenants: join(access, 'tenants.json'),
    tokens: join(access, 'tokens.json'),
    /** The store of runs. */
    data: join(path, 'server-data'),
    /** One token for each tenant's runner. */
    runnerTokens: join(path, 'runner-tokens'),
    /** One key for each tenant's runner, which signs for the gateway which process a request is of. */
    meterKeys: join(path, 'meter-keys'),
    /** Names that are granted to tenants for a time. The server writes them, and the proxy, another user, reads them. */
    grants: join(path, 'server-grants'),
    /** The key that signs what the webhook is told. */
    webhookSecret: join(path, 'webhook-secret'),
    /** The token of the Telegram bot. */
    telegramToken: join(path, 'telegram-token'),
    /** The token that `serve up` made because .env has none. */
    ownToken: join(path, 'api-token'),
  }
}
export type ServerFolder = ReturnType<typeof serverFolder>

/** Makes the folder that the proxy reads. With `user`, the server can write it. */
export async function makeGrantsFolder(folder: ServerFolder, user?: User): Promise<void> {
  await makeMountedFolder(folder.grants, 0o755, user)
}

/** Makes the folders that are mounted, each for the server's user alone. */
export async function makeServerFolders(folder: ServerFolder, user: User): Promise<void> {
  for (const path of [folder.access, folder.data, folder.runnerTokens, folder.meterKeys]) {
    await makeMountedFolder(path, 0o700, user)
  }
}

/** Replaces a file that only the server's user can read. Unchanged content keeps the file. */
export async function writeServerFile(path: string, text: string, user: User): Promise<void> {
  const present = await readRegularFile(path, { limit: 4 * 1024 * 1024 })
  if (present.kind === 'bytes' && present.bytes.toString() === text) return
  await replaceFile(
    path,
    async file => {
      await file.writeFile(text)
      if (process.getuid?.() === 0) await file.chown(user.uid, user.gid)
    },
    { mode: 0o400, durable: true },
  )
}

/** Makes the token of each tenant's runner, once: a worker that stays up keeps the one that it has read. */
export async function makeRunnerTokens(
  folder: ServerFolder,
  tenants: readonly string[],
  user: User,
): Promise<void> {
  for (const tenant of tenants) {
    const path = join(folder.runnerTokens, tenant)
    const present = await readRegularFile(path, { limit: 1024 })
    if (present.kind === 'bytes' && present.bytes.length >= 64) continue
    await writeServerFile(path, randomBytes(32).toString('hex'), user)
  }
}
