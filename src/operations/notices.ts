import { mkdir, readFile, realpath, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { command } from '../base/command.ts'
import { terminalLine } from '../base/terminal-text.ts'
import { upstreamSites } from '../config/model-upstream.ts'
import { checkoutRoot } from '../config/paths.ts'
import { createBlockedNames, renderBlocked } from '../egress/blocked-names.ts'
import { createDirectNames, renderDirect } from '../egress/direct-names.ts'
import { parseAccessDecision } from '../egress/proxy-log.ts'
import { createEngine, type Engine } from '../engine/engine.ts'
import type { EngineAddress } from '../engine/engine-request.ts'
import { changedHostFiles } from '../stack/host-files.ts'
import { stackId } from '../stack/identity.ts'
import { inspectStack } from '../stack/inspect.ts'
import { lostOverlays, settleWorkspace } from '../stack/protection.ts'
import { stateFolder } from '../stack/state/state-folder.ts'
import { renderHostFileChanges } from '../workspace/host-files/changes.ts'
import { currentStackName } from './find-stacks.ts'
import { openNames, readPolicyLists } from './policy/policy-files.ts'

type Place = { address: EngineAddress; stack: string; workspace?: string }

/**
 * Reports the hosts that the proxy refused to the agent during a session, with the command that allows each.
 * Names reported before, after this session or a parallel one, are left out.
 */
export async function blockedNotice(
  { since, ...place }: Place & { since: Date },
  signal: AbortSignal,
): Promise<string[]> {
  const reported = join(stateFolder(place.stack).path, 'blocked-told')
  const before = Number(await readFile(reported, 'utf8').catch(() => 0)) || 0
  const from = new Date(Math.max(since.getTime(), before * 1000))
  const { lines, last } = await blockedSince({ ...place, from }, signal)
  if (last > 0) {
    await mkdir(join(reported, '..'), { recursive: true, mode: 0o700 })
    await writeFile(reported, String(last), { mode: 0o600 })
  }
  return lines
}

/** Returns the names refused since `from`, and the time of the last refusal in seconds, or 0. */
export async function blockedSince(
  { address, stack, workspace, from }: Place & { from: Date },
  signal: AbortSignal,
): Promise<{ lines: string[]; last: number }> {
  const since = from.getTime() / 1000
  const blocked = createBlockedNames()
  let last = 0
  const options = { tail: 'all', follow: false, since, signal } as const
  await createEngine(address).followLog(`${stack}-proxy-1`, options, line => {
    // Most lines are allowed connections, and parsing each one takes time.
    if (!line.includes('"denied"')) return
    const decision = parseAccessDecision(line)
    if (!decision || decision.ts <= since) return
    blocked.add(decision)
    last = Math.max(last, decision.ts)
  })
  const lists = readPolicyLists(checkoutRoot(), stateFolder(stack))
  const state = await inspectStack(createEngine(address), stack).catch(() => null)
  const names = blocked.names(openNames(lists, new Date()), [
    ...lists.gateway,
    ...lists.login,
    ...upstreamSites(state?.upstream ?? '').map(name => ({ name })),
  ])
  return { lines: renderBlocked(names, await elsewhere(stack, workspace)), last }
}

/** Returns the stack's folder when the current folder is another: `allow --here` is for the current one. */
async function elsewhere(stack: string, workspace: string | undefined) {
  const here = await currentStackName().catch(() => null)
  return here === stack ? null : (workspace ?? `the folder of ${stack}`)
}

/** Moves files away that appeared at protected names during a session, takes off setuid bits, and reports both. */
export function withdrawnNotice({ stack }: { stack: string }): Promise<string[]> {
  return settleWorkspace(stateFolder(stack))
}

/**
 * Returns the names that programs of a container asked DNS for since `from`, which resolves none: they do not
 * use the proxy, and would report only an unknown host.
 */
export async function directSince(
  {
    address,
    container,
    stack,
    from,
  }: Pick<Place, 'address' | 'stack'> & { container: string; from: Date },
  signal: AbortSignal,
): Promise<string[]> {
  const direct = createDirectNames()
  const options = { tail: 'all', follow: false, since: from.getTime() / 1000, signal } as const
  await createEngine(address).followLog(container, options, line => direct.add(line))
  const lists = readPolicyLists(checkoutRoot(), stateFolder(stack))
  return renderDirect(
    direct.names(openNames(lists, new Date()), [...lists.gateway, ...lists.login]),
  )
}

/** Reports changes to files that the host runs, and files that lost their protection. */
export async function hostFilesNotice(
  { stack }: { stack: string },
  options: { all?: boolean } = {},
): Promise<string[]> {
  const state = stateFolder(stack)
  const [changes, lost] = await Promise.all([changedHostFiles(state), lostOverlays(state)])
  return [
    ...renderHostFileChanges(changes, options.all ? changes.length : undefined),
    ...renderLost(lost),
  ]
}

/** Reports that the stack outlives the session or the run, and how to end it. */
export async function stackNotice(
  { address, stack, workspace, ofRun = false }: Place & { workspace: string; ofRun?: boolean },
  engine: Pick<Engine, 'containers'> = createEngine(address),
): Promise<string[]> {
  const state = await inspectStack(engine, stack)
  if (!state?.services.some(service => service.state === 'running')) return []
  const here = (await realpath(process.cwd()).catch(() => '')) === workspace
  const [back, end] = here
    ? [command('start'), command('stop')]
    : [command(`attach ${stackId(stack)}`), command(`stop ${stackId(stack)}`)]
  if (ofRun) return [`${stack} is still up: ${end} ends it`]
  return [`${stack} is still up: ${back} comes back, ${end} ends it`]
}

/** Reports files that were replaced on the host while the stack ran. */
export function renderLost(lost: readonly string[]): string[] {
  if (lost.length === 0) return []
  const names = terminalLine(lost.join(', '))
  return [
    `no longer protected, because they were replaced on this host while the stack ran: ${names}; run ${command('stop')} and ${command('start')} to protect them again`,
  ]
}
