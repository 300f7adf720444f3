import { createColors } from 'picocolors'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { renderBlocked } from '../../egress/blocked-names.ts'
import { renderDirect } from '../../egress/direct-names.ts'
import { inspectHere, type Status } from '../../operations/status.ts'
import { serviceOfEgress } from '../../stack/services.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderField } from '../render/columns.ts'
import { renderMessage } from '../render/message.ts'
import { hasColours, widthOf } from '../terminal.ts'

/** Prints the services, credentials, allowlist and versions of the current folder's stack. */
export async function status(options: { json?: boolean }, invocation: Invocation) {
  const found = await inspectHere(invocation)
  console.log(options.json ? terminalJson(found) : renderStatus(found, widthOf(process.stdout)))
}

const custody: Record<string, string> = {
  'api-key': 'API key, held by the gateway; the agent has a placeholder',
  'oauth-token': 'OAuth token, held by the gateway; the agent has a placeholder',
  bearer: 'bearer token, held by the gateway; the agent has a placeholder',
  bedrock: 'credential for Amazon Bedrock, held by the gateway; the agent has a placeholder',
  vertex: 'service account of Google, held by the gateway; the agent has a placeholder',
  login: 'login inside the agent container',
  rehearsal: 'none: a scripted model replies',
}

/** Renders the status as rows of a name and a value. */
export function renderStatus(report: Status, width = Number.POSITIVE_INFINITY): string {
  const { green, red, yellow, dim } = createColors(hasColours(process.stdout))
  const row = (name: string, value: string) => renderField(dim(name), value, { width, column: 12 })
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
  if (report.heldBack.length > 0) {
    const names = report.heldBack.join(' and ')
    const reason =
      'this host may accept datagrams of the agent since it or the engine was restarted'
    lines.push(row('held back', yellow(`${names}: ${reason}; run ${calledAs()} start`)))
  }
  if (report.loosened && report.loosened.length > 0) {
    lines.push(row('unprotected', yellow(`${report.loosened.join(' ')} (PROTECT)`)))
  }
  if (report.credentials) {
    lines.push(row('credential', custody[report.credentials.mode] ?? report.credentials.mode))
    if (report.credentials.upstream) {
      lines.push(row('model', `at ${terminalLine(report.credentials.upstream)}`))
    }
    const ranges = report.credentials.upstreamPrivate.join(', ')
    if (ranges) {
      const opens = `weaker: UPSTREAM_PRIVATE lets the gateway reach this name in ${ranges}`
      lines.push(row('', yellow(terminalLine(opens))))
    }
    if (report.credentials.weakness)
      lines.push(row('', yellow(`weaker: ${report.credentials.weakness}`)))
  }
  for (const { service, port, local } of report.forwards) {
    lines.push(row('forward', `127.0.0.1:${local} → ${service}:${port}`))
  }
  if (report.parent) {
    const { address, weakness, trouble } = report.parent
    lines.push(row('parent', `${terminalLine(address)}: everything leaves through this proxy`))
    lines.push(row('', yellow(`weaker: ${weakness}`)))
    if (trouble) lines.push(row('', yellow(`at the last request it ${terminalLine(trouble)}`)))
  }
  for (const { runId } of report.waiting) {
    lines.push(row('waiting', yellow(`run ${runId} asks: ${calledAs()} answer ${runId}`)))
  }
  const { refused, differs } = report.allowlist
  lines.push(row('allowlist', renderAllowlist(report)))
  const [first] = differs
  if (first !== undefined) {
    const more = differs.length > 1 ? ` and ${differs.length - 1} more` : ''
    const text = `differs from the shipped one: ${terminalLine(first, 120)}${more}; try it with ${calledAs()} audit`
    lines.push(row('policy', yellow(text)))
  }
  if (refused) {
    lines.push(row('', yellow(`not in force: ${terminalLine(refused, 300)}`)))
    const proxy = report.services.find(({ name }) => name === serviceOfEgress)
    if (proxy?.health === 'healthy') {
      lines.push(row('', yellow('the proxy keeps its previous policy')))
    }
    const next = 'fix the file, which applies when saved; git diff shows edits of proxy/squid.conf'
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
  for (const line of [
    ...renderBlocked(report.blocked ?? []),
    ...renderDirect(report.direct ?? []),
  ]) {
    lines.push(renderField('', yellow(renderMessage(line)), { width }))
  }
  const { versions } = report
  lines.push(
    row(
      'versions',
      `claude-secure ${versions.claudeSecure}, Claude Code ${versions.claudeCode}, engine ${versions.engine}`,
    ),
  )
  if (!report.running) lines.push(dim(`run ${calledAs()} start to bring it up`))
  if (report.otherStacks > 0) {
    const stacks = report.otherStacks === 1 ? 'stack' : 'stacks'
    lines.push(dim(`${report.otherStacks} ${stacks} of other folders: ${calledAs()} list`))
  }
  return lines.join('\n')
}

/** Renders what the agent reaches. Calls it empty only when the model is really all. */
function renderAllowlist({ allowlist, credentials }: Pick<Status, 'allowlist' | 'credentials'>) {
  const { names, grants, here, login, differs } = allowlist
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`
  const parts = [
    ...(names > 0 ? [`${count(names, 'name')} (proxy/squid.conf)`] : []),
    ...(grants > 0 ? [`${count(grants, 'grant')} (proxy/grants.list)`] : []),
    ...(here > 0 ? [`${here} ${here === 1 ? 'entry' : 'entries'} for this folder only`] : []),
  ]
  // Without the gateway the agent talks to these hosts itself, and they accept uploads.
  if (credentials?.mode === 'login') parts.push(`the hosts of a login: ${login.join(', ')}`)
  if (differs.length > 0) parts.push('everything that the changed policy allows')
  return parts.length > 0
    ? terminalLine(parts.join(', '))
    : 'empty: the agent reaches the model and nothing else'
}
