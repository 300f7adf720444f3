import type { Command, PushRequest } from './push-commands.ts'
import { isOwnBranch, ownBranches } from './ref-name.ts'

/**
 * What a push may ask of a server, or be offered. git sends a deletion only if it is offered, and then
 * shows our reason. Anything else could act beside the refs that were judged: push
 * options open merge requests and skip pipelines, certificates sign for the user.
 */
const passed =
  /^(report-status|report-status-v2|side-band-64k|delete-refs|quiet|ofs-delta|object-format=(sha1|sha256)|agent=[\w./ +-]{1,100}|session-id=[\w.-]{1,100})$/

const zeros = /^0+$/

/** Returns what the gateway offers of the capabilities that a server has for pushes. */
export function offeredCapabilities(server: readonly string[]): string[] {
  return server.filter(name => passed.test(name))
}

/**
 * Returns why a change of a ref is refused, or null when it may pass.
 *
 * @param isOurs whether this stack created the branch: another's must not be overwritten.
 */
export function judgeCommand(command: Command, isOurs: (ref: string) => boolean): string | null {
  if (!isOwnBranch(command.ref)) return `only ${ownBranches}* can be pushed to`
  if (zeros.test(command.new)) return 'a branch cannot be deleted'
  if (!zeros.test(command.old) && !isOurs(command.ref)) {
    return 'this stack did not create the branch; push to a new one'
  }
  return null
}

/** Returns why a push is refused as a whole, or null. */
export function judgePush({ commands, capabilities }: PushRequest): string | null {
  const foreign = capabilities.find(name => !passed.test(name))
  if (foreign !== undefined) return `${plain(foreign)} is not supported`
  if (!capabilities.some(name => name.startsWith('report-status'))) {
    return 'a push without a report is not supported'
  }
  const refs = commands.map(({ ref }) => ref.toLowerCase())
  // On a server whose file system ignores case, two names would be one branch.
  if (new Set(refs).size !== refs.length) return 'a ref is named twice'
  return null
}

/** A capability is the caller's text, and ends up on a terminal. */
function plain(capability: string): string {
  return (/^[\w-]{1,40}/.exec(capability)?.[0] ?? '') || 'a capability'
}
