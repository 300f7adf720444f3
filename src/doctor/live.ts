import { randomBytes } from 'node:crypto'
import { until } from '../base/async.ts'
import { command } from '../base/command.ts'
import { terminalLine } from '../base/terminal-text.ts'
import type { Allowlist } from '../egress/allowlist.ts'
import { type AccessDecision, parseAccessDecision, refusedPolicy } from '../egress/proxy-log.ts'
import type { Engine } from '../engine/engine.ts'
import type { DockerClient } from '../engine/find-client.ts'
import { exec } from '../process/exec.ts'
import { type ServiceState, type StackState, serviceOf } from '../stack/inspect.ts'
import { serviceOfCredential, serviceOfEgress, serviceOfSessions } from '../stack/services.ts'
import { type Check, note, ok, problem, warning } from './diagnosis.ts'

/** The outcome of one request: what the caller saw, and the proxy's log entry. */
export type Trial = { name: string; seen: string; decision: AccessDecision | null }

/** `upstreamDate`: the clock of the model's host when it answered. */
export type LiveProof = { checks: Check[]; upstreamDate: number | null }

/** Sends two requests through the running stack of this folder: one that must pass, one that must not. */
export async function proveLive(options: {
  engine: Engine
  client: DockerClient
  state: StackState | null
  allowlist: Allowlist
}): Promise<LiveProof> {
  const { engine, client, state, allowlist } = options
  const [claude, gateway, proxy] = [serviceOfSessions, serviceOfCredential, serviceOfEgress].map(
    name => state && serviceOf(state, name),
  )
  if (!state || !claude || !gateway || !proxy) {
    const message = 'not tested: no stack runs in this folder'
    const hint = `run ${command('start --detach')}, then ${command('doctor')} again`
    return { checks: [note('live', message, hint)], upstreamDate: null }
  }
  const down = [claude, gateway, proxy].find(service => service.state !== 'running')
  if (down) return { checks: [notRunning(down)], upstreamDate: null }
  const call = { client, engine, proxy: proxy.container }
  const name = allowlist.gateway.map(site => site.name).find(isPlainName)
  const [denied, allowed, log] = await Promise.all([
    tryUnlisted(call, claude.container),
    name ? tryListed(call, gateway.container, name) : null,
    engine.logLines(proxy.container, 5_000),
  ])
  return {
    checks: [
      ...judgeRefused(refusedPolicy(log)),
      judgeDenied(denied),
      allowed
        ? judgeAllowed(allowed, state.credentials === 'rehearsal')
        : note(
            'live-allowed',
            'not tested: gateway_sites has no plain name',
            'add a name without a leading dot',
          ),
    ],
    upstreamDate: allowed ? dateOf(allowed.seen) : null,
  }
}

/** Reports an edit that the proxy refused: the file on disk is then not the policy in force. */
export function judgeRefused(reason: string | null): Check[] {
  if (reason === null) return []
  return [
    problem(
      'live-policy',
      `the proxy refused the last edit of squid.conf: ${terminalLine(reason, 200)}`,
      'fix proxy/squid.conf; git diff proxy/squid.conf shows the edit',
    ),
  ]
}

function isPlainName(name: string) {
  return /^[a-z0-9][a-z0-9.-]*$/i.test(name)
}

function notRunning({ name, status }: ServiceState): Check {
  return problem(
    'live',
    `${name} is not running (${terminalLine(status, 60)}), so the live proof is not possible`,
    `run ${command(`logs ${name}`)} to see why, then ${command('start')}`,
  )
}

type Call = { client: DockerClient; engine: Engine; proxy: string }

/** Requests an unlisted name as the agent. `.invalid` does not exist, should the proxy allow it. */
async function tryUnlisted(call: Call, container: string): Promise<Trial> {
  const name = `doctor-${randomBytes(8).toString('hex')}.claude-secure.invalid`
  const seen = await inside(call, container, [
    '/usr/bin/curl',
    // Ignores a .curlrc in the agent's home.
    '-q',
    ...['--silent', '--output', '/dev/null', '--max-time', '15', '--write-out', '%{http_connect}'],
    ...['--proxy', 'http://proxy:3128', `https://${name}/`],
  ])
  return { name, seen, decision: await decisionOn(call, name, 'agent', 0) }
}

/** Requests a listed name from the gateway, without its credential: CONNECT, TLS, and `HEAD /`. */
const ask = `
const [name] = process.argv.slice(1)
const end = text => { console.log(text); process.exit() }
setTimeout(end, 15000, 'no answer in 15 s')
const socket = require('net').connect(3128, 'egress')
socket.on('error', error => end('proxy: ' + error.code))
socket.write('CONNECT ' + name + ':443 HTTP/1.1\\r\\nHost: ' + name + ':443\\r\\n\\r\\n')
socket.once('data', data => {
  const status = /^HTTP\\/1\\.\\d (\\d+)/.exec(data.toString('latin1'))?.[1]
  if (status !== '200') end('refused ' + status)
  socket.removeAllListeners('error')
  const tls = require('tls').connect({ socket, servername: name })
  tls.on('error', error => end('tls: ' + (error.code ?? error.message)))
  tls.on('close', () => end('closed'))
  tls.on('secureConnect', () => tls.write('HEAD / HTTP/1.1\\r\\nHost: ' + name + '\\r\\nConnection: close\\r\\n\\r\\n'))
  tls.once('data', data => {
    const head = data.toString('latin1')
    const code = /^HTTP\\/1\\.\\d (\\d+)/.exec(head)?.[1]
    tls.removeAllListeners('close')
    tls.end()
    setTimeout(end, 200, 'answered ' + code + ' ' + (/^date: (.*)$/im.exec(head)?.[1] ?? ''))
  })
})`

async function tryListed(call: Call, container: string, name: string): Promise<Trial> {
  const before = (await lastDecision(call, name, 'services'))?.ts ?? 0
  const seen = await inside(call, container, ['/usr/local/bin/node', '-e', ask, name])
  return { name, seen, decision: await decisionOn(call, name, 'services', before) }
}

async function inside({ client }: Call, container: string, command: readonly string[]) {
  const { stdout, stderr } = await exec(client.file, ['exec', container, ...command], {
    env: client.env,
    timeout: 60_000,
    limit: 64 * 1024,
  })
  return terminalLine((stdout || stderr).trim())
}

/**
 * Waits for the proxy's line, which it writes when a connection ends, maybe a moment after the
 * caller's.
 */
async function decisionOn(call: Call, name: string, caller: string, after: number) {
  return until(
    async () => {
      const decision = await lastDecision(call, name, caller)
      return decision && decision.ts > after ? decision : null
    },
    { every: 100, timeout: 10_000 },
  )
}

async function lastDecision({ engine, proxy }: Call, name: string, caller: string) {
  const lines = await engine.logLines(proxy, 200)
  const decisions = lines.map(parseAccessDecision)
  return decisions.findLast(line => line?.host === name && line.caller === caller) ?? null
}

export function judgeDenied({ seen, decision }: Trial): Check {
  const id = 'live-denied'
  if (!decision) {
    return problem(
      id,
      `the agent requested an unlisted name, but the proxy logged nothing (seen: ${seen || 'nothing'})`,
      `check ${command('logs')}, then run ${command('stop')} and ${command('start')}`,
    )
  }
  if (decision.verdict === 'denied' && decision.reason === 'not-listed' && seen === '407') {
    return ok(id, 'denied: the proxy refused the agent an unlisted name (407, not-listed)')
  }
  return problem(
    id,
    `an unlisted name was ${decision.verdict} (${decision.reason}, seen: ${seen}) instead of denied as not-listed`,
    `run ${command('stop')}: the policy allows too much; git diff proxy/squid.conf shows how it differs`,
  )
}

export function judgeAllowed({ name, seen, decision }: Trial, rehearsal: boolean): Check {
  const id = 'live-allowed'
  const answered = /^answered (\d+)/.exec(seen)?.[1]
  if (decision?.verdict === 'allowed' && answered) {
    return ok(id, `allowed: the gateway reached the listed ${name} (HTTP ${answered})`)
  }
  if (decision?.reason === 'unresolved') {
    const message = `not tested: the proxy's DNS does not know the listed ${name}`
    // The scripted model does not need the internet.
    if (rehearsal) return note(id, message, 'no action needed: the demo runs without it')
    return warning(id, message, 'check that this host is online, or set PROXY_DNS in .env')
  }
  if (decision?.verdict === 'allowed') {
    return warning(
      id,
      `the proxy allowed ${name}, but it did not answer as expected (${seen})`,
      'check the network; for a tls error set EXTRA_CA_CERTS if your network inspects TLS, and check the clock',
    )
  }
  if (decision) {
    return problem(
      id,
      `the proxy refuses ${name} to the gateway: ${decision.reason}`,
      'restore gateway_sites, see git diff proxy/squid.conf: no session works without it',
    )
  }
  return problem(
    id,
    `the proxy did not answer the gateway (${seen || 'nothing seen'})`,
    `check ${command('logs proxy')}, then run ${command('stop')} and ${command('start')}`,
  )
}

function dateOf(seen: string) {
  const time = Date.parse(/^answered \d+ (.+)$/.exec(seen)?.[1] ?? '')
  return Number.isNaN(time) ? null : time
}
