import { createColors } from 'picocolors'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { parseProtect } from '../../config/protected-names.ts'
import { inForce } from '../../egress/allowlist.ts'
import { type BlockedName, blockedNames, renderBlocked } from '../../egress/blocked-names.ts'
import { accessDecisions, countDenied, refusedPolicy } from '../../egress/proxy-log.ts'
import { openEngine } from '../../operations/engine-context.ts'
import { currentStackName } from '../../operations/find-stacks.ts'
import { readAllowlist } from '../../operations/policy/allowlist-file.ts'
import { type CredentialMode, weakness } from '../../stack/credential.ts'
import { inspectStacks, isUp } from '../../stack/inspect.ts'
import type { Invocation } from '../invocation.ts'
import { renderMessage } from '../render/message.ts'
import { hasColours } from '../terminal.ts'
import { readVersions } from './version.ts'

/** Lines of the proxy's log that are counted: enough to notice, and bounded. */
const logWindow = 2_000

/** Prints what runs in the current folder, how it is authenticated, and what it may reach. */
export async function status(options: { json?: boolean }, invocation: Invocation) {
  const context = await openEngine(invocation)
  const current = await currentStackName()
  const [stacks, log] = await Promise.all([
    inspectStacks(context.engine),
    // By its name, before it is known whether it is there.
    context.engine.logLines(`${current}-proxy-1`, logWindow).catch(() => null),
  ])
  const state = stacks.find(({ stack }) => stack === current) ?? null
  const proxyLog = state && log
  const decisions = proxyLog && accessDecisions(proxyLog)
  const { agent, gateway, login } = readAllowlist(context.root)
  const open = inForce(agent, new Date())
  const report = {
    version: 1,
    stack: current,
    running: state !== null && isUp(state),
    workspace: state?.workspace ?? process.cwd(),
    workspaceMode: state?.workspaceMode ?? null,
    /** Of a copy, when it was taken. What changed in it would take a reading of all of it. */
    copy: state?.workspaceMode === 'copy' ? { taken: await copyTaken(current) } : null,
    services: (state?.services ?? []).map(({ name, state, health, status }) => ({
      name,
      state,
      health,
      status,
    })),
    /** What of the folder the agent can write although the host runs it: PROTECT of .env. */
    loosened: state && state.workspaceMode === 'mount' ? parseProtect(state.protect) : null,
    credentials: state ? credentials(state.credentials as CredentialMode) : null,
    allowlist: {
      names: open.length,
      refused: refusedPolicy(proxyLog ?? []),
    },
    denied: decisions && { count: countDenied(decisions), ofLast: logWindow },
    blocked: decisions && blockedNames(decisions, open, [...gateway, ...login]),
    versions: { ...readVersions(context.root), engine: context.found.version },
    otherStacks: stacks.length - (state ? 1 : 0),
  }
  if (options.json) console.log(terminalJson(report))
  else console.log(renderStatus(report))
}

async function copyTaken(stack: string) {
  const [{ stateFolder }, { baselinePath, readTaken }] = await Promise.all([
    import('../../stack/state/state-folder.ts'),
    import('../../workspace/copy/taken.ts'),
  ])
  return readTaken(baselinePath(stateFolder(stack)))
}

function credentials(mode: CredentialMode) {
  return { mode, weakness: weakness(mode) }
}

type Report = {
  stack: string
  running: boolean
  workspace: string
  workspaceMode: string | null
  copy: { taken: string | null } | null
  loosened: readonly string[] | null
  services: { name: string; state: string; health: string; status: string }[]
  credentials: { mode: string; weakness: string | null } | null
  /** `refused`: why the squid.conf on disk is not what the proxy enforces. */
  allowlist: { names: number; refused: string | null }
  denied: { count: number; ofLast: number } | null
  /** Names that the agent asked for and that are on no list. */
  blocked: BlockedName[] | null
  versions: Record<string, string>
  otherStacks: number
}

const custody: Record<string, string> = {
  'api-key': 'API key, held by the gateway; the agent has a placeholder',
  'oauth-token': 'OAuth token, held by the gateway; the agent has a placeholder',
  login: 'login inside the agent container',
  rehearsal: 'none: a scripted model answers',
}

function renderStatus(report: Report): string {
  const { green, red, yellow, dim } = createColors(hasColours(process.stdout))
  const row = (name: string, value: string) => `${dim(name.padEnd(12))}${value}`
  const lines = [
    row('stack', `${report.stack} ${report.running ? green('up') : red('not running')}`),
    row(
      'workspace',
      `${terminalLine(report.workspace)}${report.copy ? ` (a copy of ${report.copy.taken ?? 'it'})` : ''}`,
    ),
    ...report.services.map(service =>
      row(
        service.name,
        service.health === 'healthy' ? green(service.status) : yellow(service.status),
      ),
    ),
  ]
  if (report.loosened && report.loosened.length > 0) {
    lines.push(row('unprotected', yellow(`${report.loosened.join(' ')} (PROTECT in .env)`)))
  }
  if (report.credentials) {
    lines.push(row('credential', custody[report.credentials.mode] ?? report.credentials.mode))
    if (report.credentials.weakness)
      lines.push(row('', yellow(`weaker: ${report.credentials.weakness}`)))
  }
  const { names, refused } = report.allowlist
  lines.push(
    row(
      'allowlist',
      names === 0
        ? 'empty: the agent reaches the model and nothing else'
        : `${names} ${names === 1 ? 'name' : 'names'} (proxy/squid.conf)`,
    ),
  )
  if (refused) {
    lines.push(row('', yellow(`not in force: ${terminalLine(refused, 300)}`)))
    const proxy = report.services.find(({ name }) => name === 'proxy')
    if (proxy?.health === 'healthy') {
      lines.push(row('', yellow('the proxy goes on with the policy it had')))
    }
    const next =
      'mend proxy/squid.conf, which applies when it is saved; git diff shows what was edited'
    lines.push(row('', yellow(next)))
  }
  if (report.denied) {
    lines.push(
      row(
        'denied',
        `${report.denied.count} in the last ${report.denied.ofLast} lines of the proxy's log`,
      ),
    )
  }
  for (const line of renderBlocked(report.blocked ?? [])) lines.push(yellow(renderMessage(line)))
  const { versions } = report
  lines.push(
    row(
      'versions',
      `claude-secure ${versions.claudeSecure}, Claude Code ${versions.claudeCode}, engine ${versions.engine}`,
    ),
  )
  if (!report.running) lines.push(dim('run ./claude.ts start to bring it up'))
  if (report.otherStacks > 0) lines.push(dim(`${report.otherStacks} more in other folders`))
  return lines.join('\n')
}
