import { chmod, chown, lstat } from 'node:fs/promises'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'

/** Where a worker has its key; runs cannot read it (Landlock). */
export const meterKeyTarget = '/run/secrets/meter-key'

/**
 * Writes the key of a worker's runner, for its user alone. Leaves an equal file as it is: a running
 * worker has it mounted.
 */
export async function writeMeterKey(
  path: string,
  key: string,
  owner: { uid: number; gid: number },
) {
  const uid = process.getuid?.() ?? owner.uid
  const before = await readRegularFile(path, { limit: 128 }).then(textOf, () => null)
  if (before === key && (await lstat(path)).uid === (uid === 0 ? owner.uid : uid)) return
  await replaceFile(path, key, { mode: 0o400 })
  if (uid === 0) await chown(path, owner.uid, owner.gid)
  // The folder above is its owner's alone.
  else if (uid !== owner.uid) await chmod(path, 0o444)
}
