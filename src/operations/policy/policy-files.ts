import { mkdir, realpath } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { isMissing, messageOf, UserError } from '../../base/errors.ts'
import { terminalLine } from '../../base/terminal-text.ts'
import { type Allowlist, activeSites } from '../../egress/allowlist.ts'
import { type GrantLine, parseGrants } from '../../egress/grants.ts'
import { isOver } from '../../egress/list-entries.ts'
import type { PolicyFiles } from '../../egress/plan-edit.ts'
import { makeReadable } from '../../files/readable.ts'
import { readRegularFileSync } from '../../files/regular-file.ts'
import { replaceFile } from '../../files/replace-file.ts'
import {
  makePolicyFolder,
  makeStateFolder,
  type StateFolder,
  stateFolder,
} from '../../stack/state/state-folder.ts'
import { readAllowlist, readSquidConf, squidConfPath } from './squid-conf.ts'

/** The lists of squid.conf, the grants of the checkout, and the folder's own list. */
export type PolicyLists = Allowlist & { checkout: GrantLine[]; here: GrantLine[] }

/** As in proxy/policy.sh. */
const largest = 64 * 1024

/** The file of grants that hold in every folder. */
export function checkoutGrantsPath(root: string): string {
  return join(root, 'proxy/grants.list')
}

/** The file of a folder's own list. */
export function folderGrantsPath({ policy }: Pick<StateFolder, 'policy'>): string {
  return join(policy, 'grants.list')
}

/** Reads everything that the agent of a stack may reach; without a stack, of any. */
export function readPolicyLists(
  root: string,
  state: Pick<StateFolder, 'policy'> | null,
): PolicyLists {
  const checkout = checkoutGrantsPath(root)
  const here = state && folderGrantsPath(state)
  return {
    ...readAllowlist(root),
    checkout: parseGrants(readGrants(checkout), checkout),
    here: here === null ? [] : parseGrants(readGrants(here), here),
  }
}

/** Returns the names that the agent may reach on port 443 now. */
export function openNames({ agent, checkout, here }: PolicyLists, now: Date) {
  const granted = [...checkout, ...here].filter(
    ({ port, until }) => port === 443 && !isOver(until, now),
  )
  return [...activeSites(agent, now), ...granted]
}

/** Reads the files to edit them; the folder's own list is empty without a stack. */
export function readPolicyFiles(root: string, stack: string | null): PolicyFiles {
  return {
    conf: readSquidConf(root),
    checkout: readGrants(checkoutGrantsPath(root)),
    here: stack === null ? '' : readGrants(folderGrantsPath(stateFolder(stack))),
  }
}

function readGrants(path: string): string {
  const file = readRegularFileSync(path, { limit: largest })
  if (file.kind === 'missing') return ''
  if (file.kind === 'bytes') return file.bytes.toString()
  throw new UserError(
    `${terminalLine(path)} is ${file.kind === 'too-large' ? 'larger than 64 KiB' : 'not a regular file'}`,
    { hint: 'remove it; then allow the names again' },
  )
}

/** Replaces the grants of the checkout. The unfinished file is outside of proxy/, which proxies watch. */
export async function replaceCheckoutGrants(root: string, text: string): Promise<void> {
  const scratch = join(root, '.build')
  await mkdir(scratch, { recursive: true })
  const temporary = join(scratch, `grants.list.${process.pid}.tmp`)
  await replaceFile(checkoutGrantsPath(root), text, { mode: 0o644, durable: true, temporary })
}

/** Replaces a folder's own list. The proxy's user must be able to read it, regardless of the umask. */
export async function replaceFolderGrants(stack: string, text: string): Promise<void> {
  const state = stateFolder(stack)
  await makeStateFolder(state)
  await makePolicyFolder(state)
  await replaceFile(folderGrantsPath(state), text, { mode: 0o644, durable: true })
}

/**
 * Lets the proxy's user read proxy/squid.conf and the grants files regardless of the umask that they were written
 * with. They are mounted with their folders, and none is a secret.
 */
export async function makePolicyReadable(
  root: string,
  state: Pick<StateFolder, 'policy'>,
): Promise<void> {
  const file = await realpath(squidConfPath(root))
  const grants = [checkoutGrantsPath(root), folderGrantsPath(state)]
  for (const path of [dirname(file), file, ...grants]) {
    await makeReadable(path).catch((cause: unknown) => {
      if (grants.includes(path) && isMissing(cause)) return
      throw new UserError(`the proxy's user cannot read ${path}: ${messageOf(cause)}`, {
        hint: `run chmod a+rX ${path} as its owner`,
        cause,
      })
    })
  }
}
