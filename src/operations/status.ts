import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { upstreamSites } from '../config/model-upstream.ts'
import { parseProtect } from '../config/protected-names.ts'
import { activeSites } from '../egress/allowlist.ts'
import { type BlockedName, blockedNames } from '../egress/blocked-names.ts'
import { createDirectNames, type DirectNames } from '../egress/direct-names.ts'
import { isOver } from '../egress/list-entries.ts'
import {
  type AccessDecision,
  accessDecisions,
  countDenied,
  refusedPolicy,
} from '../egress/proxy-log.ts'
import type { Engine } from '../engine/engine.ts'
import { hasOpenQuestion } from '../run/store/store.ts'
import { type CredentialMode, weakness } from '../stack/credential.ts'
import type { ForwardRecord } from '../stack/forward/record.ts'
import { inspectStacks, isHeldBack, isUp, type StackState } from '../stack/inspect.ts'
import { troubleOfStatus } from '../stack/parent-answer.ts'
import { agentServices } from '../stack/services.ts'
import { refuseOtherOwner } from '../stack/state/owner.ts'
import { type StateFolder, stateFolder } from '../stack/state/state-folder.ts'
import { baselinePath, readCopyRecord } from '../workspace/copy/record.ts'
import { type Caller, openEngine } from './context.ts'
import { currentIdentity, ownedStackName } from './find-stacks.ts'
import { openNames, type PolicyLists, readPolicyLists } from './policy/policy-files.ts'
import { readSquidConf } from './policy/squid-conf.ts'
import { readVersions } from './versions.ts'

/** Lines of the proxy's log to count: bounded, and enough to notice a problem. */
const logWindow = 2_000

export type AllowlistStatus = {
  /** Names for every folder: on the list of squid.conf, and with a port or range in proxy/grants.list. */
  names: number
  grants: number
  /** Entries of this folder's own list. */
  here: number
  /** Names that the agent itself reaches in login mode. */
  login: string[]
  /** Rules of squid.conf that differ from the shipped ones. */
  differs: string[]
  refused: string | null
}

export type Status = {
  version: 1
  stack: string
  running: boolean
  workspace: string
  workspaceMode: string | null
  /** Time of the copy. Its changes are not counted, because that would read all of it. */
  copy: { taken: string | null } | null
  services: { name: string; state: string; health: string; status: string }[]
  /** Agents that wait for `start`: the host may accept their datagrams since it or the engine was restarted. */
  heldBack: string[]
  /** Files of the folder that the agent can write although the host runs them: PROTECT of .env. */
  loosened: readonly string[] | null
  credentials: {
    mode: CredentialMode
    /** Where the gateway sends prompts, if not to Anthropic's API. */
    upstream: string | null
    /** Private networks that the name of this upstream may resolve to. */
    upstreamPrivate: string[]
    weakness: string | null
  } | null
  /** Ports of the stack that a process of this host forwards. */
  forwards: Pick<ForwardRecord, 'service' | 'port' | 'local' | 'since'>[]
  /** The company's proxy that everything leaves through, and why its last tunnel failed; null without one. */
  parent: { address: string; weakness: string; trouble: string | null } | null
  /** Runs whose question waits for an answer, until `deadline` (ISO 8601). */
  waiting: { runId: string; deadline: string | null }[]
  /** What the agent may reach, and why the proxy does not enforce the files on disk. */
  allowlist: AllowlistStatus
  denied: { count: number; ofLast: number } | null
  /** Names that the agent requested and no list has. */
  blocked: BlockedName[] | null
  /** Names that its programs asked DNS for, which resolves none: they do not use the proxy. */
  direct: DirectNames | null
  versions: { claudeSecure: string; claudeCode: string; engine: string }
  otherStacks: number
}

/** Inspects the stack of the current folder: services, credential custody, egress and versions. */
export async function inspectHere(caller: Caller): Promise<Status> {
  const identity = await currentIdentity()
  const { name: current } = identity
  const folder = stateFolder(current)
  const asked: ReturnType<typeof askEngine>[] = []
  const context = await openEngine(caller, engine => {
    const answers = askEngine(engine, current)
    answers.catch(() => {})
    asked.push(answers)
  })
  const [[stacks, log, direct], waiting, forwards, policy] = await Promise.all([
    asked.at(-1) ?? askEngine(context.engine, current),
    // An unreadable store must not hide the rest; `run list` reports it.
    waitingOf(current).catch(() => []),
    forwardsOf(folder),
    // While the engine answers.
    readPolicy(context.root, folder),
    ownedStackName(identity),
  ])
  const { lists, open } = policy
  const state = stacks.find(({ stack }) => stack === current) ?? null
  await refuseOtherOwner(identity, folder, state)
  const proxyLog = state && log
  const decisions = proxyLog && accessDecisions(proxyLog)
  const reserved = [
    ...lists.gateway,
    ...lists.login,
    // Suggesting these would open the model's upstream to the agent.
    ...upstreamSites(state?.upstream ?? '').map(name => ({ name })),
  ]
  return {
    version: 1,
    stack: current,
    running: state !== null && isUp(state),
    workspace: state?.workspace ?? process.cwd(),
    workspaceMode: state?.workspaceMode ?? null,
    copy: state?.workspaceMode === 'copy' ? { taken: await copyTaken(current) } : null,
    services: (state?.services ?? []).map(({ name, state, health, status }) => ({
      name,
      state,
      health,
      status,
    })),
    heldBack: (state?.services ?? []).filter(isHeldBack).map(({ name }) => name),
    loosened: state && state.workspaceMode === 'mount' ? parseProtect(state.protect) : null,
    credentials: state ? credentials(state) : null,
    forwards: forwards.map(({ service, port, local, since }) => ({ service, port, local, since })),
    parent: state?.parent
      ? {
          address: state.parent,
          weakness: 'it resolves the names, so it alone refuses private addresses',
          trouble: lastTrouble(decisions ?? []),
        }
      : null,
    waiting: waiting.map(({ runId, question }) => ({
      runId,
      deadline: question?.deadline ?? null,
    })),
    allowlist: {
      ...policy.allowlist,
      refused: refusedPolicy(proxyLog ?? []),
    },
    denied: decisions && { count: countDenied(decisions), ofLast: logWindow },
    blocked: decisions && blockedNames(decisions, open, reserved),
    direct: state && direct.names(open, reserved),
    versions: { ...policy.versions, engine: context.found.version },
    otherStacks: stacks.length - (state ? 1 : 0),
  }
}

function askEngine(engine: Engine, stack: string) {
  return Promise.all([
    inspectStacks(engine),
    // By container name, so that the requests run in parallel before the container is known to exist.
    engine.logLines(`${stack}-proxy-1`, logWindow).catch(() => null),
    readDirectNames(engine, stack),
  ])
}

/** Returns what the parent proxy answered to the newest tunnel, from the proxy's own log. */
function lastTrouble(decisions: readonly AccessDecision[]): string | null {
  const begun = ({ ts, ms }: AccessDecision) => ts - ms / 1000
  const last = decisions
    .filter(({ verdict }) => verdict === 'allowed')
    // A line is written when its tunnel ends, and an older tunnel may end later.
    .reduce<AccessDecision | null>(
      (newest, one) => (newest && begun(newest) > begun(one) ? newest : one),
      null,
    )
  const status = Number(/^TCP_TUNNEL\/(\d{3})$/.exec(last?.status ?? '')?.[1] ?? 200)
  if (!last) return null
  // Squid itself writes these when the parent is down.
  if (status === 500 || status === 503) {
    return `did not answer, or could not reach ${last.host} (${status})`
  }
  return troubleOfStatus(status, last.host)
}

async function readPolicy(root: string, folder: StateFolder) {
  const lists = readPolicyLists(root, folder)
  return {
    lists,
    open: openNames(lists, new Date()),
    allowlist: await allowlistStatus(root, lists),
    versions: readVersions(root),
  }
}

async function allowlistStatus(root: string, lists: PolicyLists) {
  const now = new Date()
  const [{ ruleFindings }, text] = [await import('../egress/findings.ts'), readSquidConf(root)]
  return {
    names: activeSites(lists.agent, now).length,
    grants: lists.checkout.filter(({ until }) => !isOver(until, now)).length,
    here: lists.here.filter(({ until }) => !isOver(until, now)).length,
    login: activeSites(lists.login, now).map(({ name }) => name),
    differs: ruleFindings(text).map(({ line, message }) =>
      line === undefined ? message : `${message} (line ${line})`,
    ),
  }
}

/** Line by line, because the agent can write anything to the log of its container. */
async function readDirectNames(engine: Pick<Engine, 'followLog'>, stack: string) {
  const direct = createDirectNames()
  const options = { tail: logWindow, follow: false } as const
  await Promise.all(
    agentServices.map(name =>
      // Most stacks have no container of runs.
      engine.followLog(`${stack}-${name}-1`, options, direct.add).catch(() => {}),
    ),
  )
  return direct
}

async function waitingOf(stack: string) {
  if (!hasOpenQuestion(join(stateFolder(stack).path, 'runs'))) return []
  // Loaded only while a run may wait: the schemas of runs would be a tenth of this command's time.
  const { runsOf, waitingRuns } = await import('./runs.ts')
  return waitingRuns(runsOf(stack))
}

async function forwardsOf(folder: StateFolder): Promise<ForwardRecord[]> {
  if (!existsSync(join(folder.path, 'forwards'))) return []
  // Loaded only where a forward was made, as the schemas of runs.
  const { readForwards } = await import('../stack/forward/record.ts')
  return readForwards(folder)
}

async function copyTaken(stack: string) {
  return (await readCopyRecord(baselinePath(stateFolder(stack))))?.taken ?? null
}

function credentials({ credentials, upstream, upstreamPrivate }: StackState) {
  const mode = credentials as CredentialMode
  const other = upstream !== '' && upstream !== 'https://api.anthropic.com' ? upstream : null
  return {
    mode,
    upstream: other,
    upstreamPrivate: upstreamPrivate.split(',').filter(Boolean),
    weakness: weakness(mode),
  }
}
