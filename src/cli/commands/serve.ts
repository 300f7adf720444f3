import { createColors } from 'picocolors'
import { UserError } from '../../base/errors.ts'
import { terminalJson, terminalLine } from '../../base/terminal-text.ts'
import { userEnvironment } from '../../config/environment.ts'
import { serverModes } from '../../config/server-modes.ts'
import { isWithin } from '../../files/beneath.ts'
import { openContext, openEngine } from '../../operations/context.ts'
import { serveDown, stays } from '../../operations/serve/down.ts'
import { findServer, serverIdentity } from '../../operations/serve/server-context.ts'
import { type ServerStatus, serverStatus } from '../../operations/serve/status.ts'
import type { TokenPlace } from '../../operations/serve/stored-tokens.ts'
import { type ServedStack, serveUp } from '../../operations/serve/up.ts'
import { serviceOf } from '../../stack/inspect.ts'
import { askSecret } from '../ask.ts'
import { calledAs } from '../called-as.ts'
import type { Invocation } from '../invocation.ts'
import { renderField } from '../render/columns.ts'
import { renderEnd } from '../render/policy.ts'
import { hasColours, widthOf } from '../terminal.ts'
import { workspaceVariable } from '../workspace-variable.ts'
import { type LogsOptions, showLog } from './logs.ts'

type Named = { name?: string }

/** Starts the server, and prints its address, where its token is, and a first request. */
export async function up(
  options: Named & {
    rehearsal?: boolean
    auth: boolean
    api?: boolean
    schedules?: boolean
    telegram?: boolean
    force?: boolean
  },
  invocation: Invocation,
) {
  const { rehearsal = false, auth, force = false, name } = options
  const modes = serverModes.filter(mode => options[mode])
  const context = await openContext(invocation, null)
  const served = await serveUp(context, {
    ...(name !== undefined && { name }),
    ...{ rehearsal, withoutToken: !auth, force },
    ...(modes.length > 0 && { modes }),
    askBotToken: () => askSecret('Token of the Telegram bot, from @BotFather'),
  })
  if (served.outcome === 'running') context.log({ kind: 'info', text: 'the server already runs' })
  const warning = otherPlace(served, workspaceVariable(userEnvironment()))
  if (warning !== null) context.log({ kind: 'warn', text: warning })
  console.log(renderServed(served, context.root))
}

/** Returns a warning when jobs do not work in the folder of CLAUDEBOX_WORKSPACE, as those of claudebox do. */
export function otherPlace(
  { modes, workspaces }: Pick<ServedStack, 'modes' | 'workspaces'>,
  variable: { name: string; folder: string } | null,
): string | null {
  if (variable === null || !modes.includes('schedules')) return null
  const { name, folder } = variable
  if (isWithin(workspaces, folder)) return null
  const place = `below ${terminalLine(workspaces)}, not in ${name}=${terminalLine(folder)}`
  return `jobs work ${place}: set WORKSPACES_DIR in .env, and workspace in cron.yml`
}

/** Renders the address of a server, where its token is, and a request that works. */
export function renderServed(served: ServedStack, root: string): string {
  const { url, place, tenants, workspaces, modes } = served
  const files = `workspaces  ${terminalLine(workspaces)} (${tenants.join(', ')})`
  const jobs = [
    ...(modes.includes('schedules') ? [`schedules   ${calledAs()} schedule list`] : []),
    ...(modes.includes('telegram') ? ['telegram    send /start to your bot'] : []),
  ]
  if (url === null) return [files, ...jobs].join('\n')
  const header = authorization(place)
  const request = [
    `curl -sS ${url}/run`,
    ...(header === null ? [] : [`-H ${header}`]),
    "-H 'content-type: application/json'",
    `-d '{"prompt":"Say hello"}'`,
  ]
  return [
    `url         ${url}`,
    `token       ${placeOf(place, root)}`,
    files,
    ...jobs,
    `try         ${request.join(' ')}`,
  ].join('\n')
}

function placeOf(place: TokenPlace, root: string): string {
  switch (place.kind) {
    case 'setting':
      return `API_TOKEN in ${terminalLine(root)}/.env or the environment`
    case 'file':
      return terminalLine(place.path)
    case 'added':
      return `those you added: ${place.names.map(name => terminalLine(name, 70)).join(', ')}`
    case 'none':
      return 'none: every program of this host may use the server'
    default:
      return place satisfies never
  }
}

function authorization(place: TokenPlace): string | null {
  switch (place.kind) {
    case 'file':
      return `"Authorization: Bearer $(cat ${quoted(place.path)})"`
    case 'none':
      return null
    case 'added':
      return '"Authorization: Bearer $TOKEN"'
    default:
      return '"Authorization: Bearer $API_TOKEN"'
  }
}

/** Quotes a path for a shell inside double quotes, where `$(…)` begins a new context. */
function quoted(path: string): string {
  const shown = terminalLine(path)
  return /^[\w/.,:@%+-]+$/.test(shown) ? shown : `'${shown.replaceAll("'", "'\\''")}'`
}

export async function down(options: Named & { force?: boolean }, invocation: Invocation) {
  const context = await openContext(invocation, null)
  const done = await serveDown(context, options)
  if (done === null) return context.log({ kind: 'info', text: 'nothing was stopped' })
  const text = done.stopped ? stays(done.id) : 'no server is running'
  context.log({ kind: 'info', text })
}

export async function status(options: Named & { json?: boolean }, invocation: Invocation) {
  const found = await serverStatus(await openEngine(invocation), options.name)
  console.log(
    options.json ? terminalJson(found) : renderServerStatus(found, widthOf(process.stdout)),
  )
}

/** Renders the status as rows of a name and a value. */
export function renderServerStatus(report: ServerStatus, width = Infinity): string {
  const { green, red, yellow, dim } = createColors(hasColours(process.stdout))
  const row = (name: string, value: string) => renderField(dim(name), value, { width, column: 14 })
  const tokens = report.tokens.map(
    ({ name, tenant }) => `${terminalLine(name, 70)}${tenant === name ? '' : ` (${tenant})`}`,
  )
  return [
    row('server', `${report.stack} ${report.running ? green('up') : red('not running')}`),
    ...(report.url ? [row('url', report.url)] : []),
    ...(report.modes.length > 0 ? [row('modes', report.modes.join(', '))] : []),
    ...report.services.map(({ name, health, status }) =>
      row(name, health === 'healthy' ? green(status) : yellow(terminalLine(status, 80))),
    ),
    ...(report.heldBack.length > 0
      ? [
          row(
            'held back',
            yellow(`${report.heldBack.join(', ')}: run ${calledAs()} serve up to start them again`),
          ),
        ]
      : []),
    row('tokens', tokens.length > 0 ? tokens.join(', ') : 'none'),
    ...(report.grants === null
      ? [row('grants', red('none: their file cannot be read'))]
      : report.grants.map(({ name, tenant, until, by }) =>
          row('granted', `${name} to ${tenant} ${renderEnd(until, new Date())} by ${by}`),
        )),
    ...(report.running ? [row('runs', String(report.runs))] : []),
  ].join('\n')
}

export async function logs(service: string, options: LogsOptions & Named, invocation: Invocation) {
  const { engine, signal } = await openEngine(invocation)
  const identity = serverIdentity(options.name)
  const state = await findServer({ engine }, identity)
  if (!state) {
    throw new UserError('no server is running', { hint: `run ${calledAs()} serve up` })
  }
  const found = serviceOf(state, service)
  if (!found) {
    throw new UserError(`the server has no service ${terminalLine(service, 60)}`, {
      hint: `it has ${state.services.map(({ name }) => name).join(', ')}`,
      exitCode: 2,
    })
  }
  await showLog({ engine, signal }, found, options)
}
