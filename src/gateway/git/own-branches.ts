import { appendFile } from 'node:fs/promises'
import { messageOf } from '../../base/errors.ts'
import { readRegularFile, textOf } from '../../files/regular-file.ts'
import type { GatewayLog } from '../gateway-log.ts'

/** The most bytes of the file: some ten thousand branches. */
const fileBytes = 1024 * 1024

/** The branches that this stack created: it may change them later, and no others. */
export interface OwnBranches {
  /** Returns a test of refs of one repository. */
  of(repository: string): Promise<(ref: string) => boolean>
  add(repository: string, refs: readonly string[]): Promise<void>
}

/** Keeps them in a file, one line for each, which outlives the gateway. */
export function createOwnBranches({ path, log }: { path: string; log: GatewayLog }): OwnBranches {
  let known: Promise<Set<string>> | undefined
  let bytes = 0

  async function read(): Promise<Set<string>> {
    const file = await readRegularFile(path, { limit: fileBytes }).catch(() => null)
    const text = file === null ? null : file.kind === 'missing' ? '' : textOf(file)
    // Branches that are not known stay closed.
    if (text === null) log({ kind: 'warn', message: `cannot read the branches in ${path}` })
    bytes = text === null ? fileBytes : Buffer.byteLength(text)
    return new Set(text?.split('\n').slice(0, -1))
  }

  return {
    async of(repository) {
      known ??= read()
      const lines = await known
      return ref => lines.has(`${repository} ${ref}`)
    },
    async add(repository, refs) {
      known ??= read()
      const lines = await known
      const fresh = refs.map(ref => `${repository} ${ref}`).filter(line => !lines.has(line))
      const text = fresh.map(line => `${line}\n`).join('')
      if (text === '' || bytes + text.length > fileBytes) return
      bytes += text.length
      for (const line of fresh) lines.add(line)
      await appendFile(path, text, { mode: 0o600 }).catch((error: unknown) => {
        log({ kind: 'warn', message: `cannot write the branches in ${path}: ${messageOf(error)}` })
      })
    },
  }
}
