import { randomBytes } from 'node:crypto'
import { terminalLine } from '../base/terminal-text.ts'
import { until } from '../base/until.ts'
import type { Allowlist } from '../egress/allowlist.ts'
import { type AccessDecision, parseAccessDecision, refusedPolicy } from '../egress/proxy-log.ts'
import type { DockerClient } from '../engine/client.ts'
import type { Engine } from '../engine/engine.ts'
import { exec } from '../process/exec.ts'
import { type ServiceState, type StackState, serviceOf } from '../stack/inspect.ts'
import { type Check, note, ok, problem, warning } from './diagnosis.ts'

/** What came of one request: what the caller saw, and what the proxy wrote about it. */
export type Trial = { name: string; seen: string; decision: AccessDecision | null }

/** `upstreamDate`: when the model's host answered, by its own clock. */
export type LiveProof = { checks: Check[]; upstreamDate: number | null }

/** Two requests through the running stack of this folder: one that must pass, one that must not. */
export async function proveLive(options: {
  engine: Engine
  client: DockerClient
  state: StackState | null
  allowlist: Allowlist
}): Promise<LiveProof> {
  const { engine, client, state, allowlist } = options
  const [claude, gateway, proxy] = ['claude', 'gateway', 'proxy'].map(
    name => state && serviceOf(state, name),
  )
  if (!state || !claude || !gateway || !proxy) {
    const message = 'not proven: no stack runs in this folder'
    const hint = './claude.ts start --detach brings one up; then run doctor again'
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
        : note('live-allowed', 'not proven: gateway_sites lists no single name', ''),
    ],
    upstreamDate: allowed ? dateOf(allowed.seen) : null,
  }
}

/** An edit that the proxy did not take: then the file on disk, which is judged too, is not in force. */
export function judgeRefused(reason: string | null): Check[] {
  if (reason === null) return []
  return [
    problem(
      'live-policy',
      `the proxy goes on without the last edit of squid.conf: ${terminalLine(reason, 200)}`,
      'mend proxy/squid.conf: git diff proxy/squid.conf shows what was edited',
    ),
  ]
}

function isPlainName(name: string) {
  return /^[a-z0-9][a-z0-9.-]*$/i.test(name)
}

function notRunning({ name, status }: ServiceState): Check {
  return problem(
    'live',
    `${name} does not run (${terminalLine(status, 60)}), so nothing can be proven`,
    `./claude.ts logs ${name} says why; ./claude.ts start brings it up`,
  )
}

type Call = { client: DockerClient; engine: Engine; proxy: string }

/** Asked as the agent asks. `.invalid` exists nowhere, should the proxy let it through. */
async function tryUnlisted(call: Call, container: string): Promise<Trial> {
  const name = `doctor-${randomBytes(8).toString('hex')}.claude-secure.invalid`
  const seen = await inside(call, container, [
    '/usr/bin/curl',
    // No .curlrc of the agent's home has a say.
    '-q',
    ...['--silent', '--output', '/dev/null', '--max-time', '15', '--write-out', '%{http_connect}'],
    ...['--proxy', 'http://proxy:3128', `https://${name}/`],
  ])
  return { name, seen, decision: await decisionOn(call, name, 'agent', 0) }
}

/** Asked from where the gateway asks, without its credential: CONNECT, TLS, and `HEAD /`. */
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
    timeout: 20_000,
    limit: 64 * 1024,
  })
  return terminalLine((stdout || stderr).trim())
}

/** The proxy writes a line when a connection ends, which may be a moment after the caller knows. */
async function decisionOn(call: Call, name: string, caller: string, after: number) {
  return until(
    async () => {
      const decision = await lastDecision(call, name, caller)
      return decision && decision.ts > after ? decision : null
    },
    { every: 100, timeout: 2_000 },
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
      `a name that is not listed was asked for, and the proxy wrote nothing about it (seen: ${seen || 'nothing'})`,
      './claude.ts logs; ./claude.ts stop, then start',
    )
  }
  if (decision.verdict === 'denied' && decision.reason === 'not-listed' && seen === '407') {
    return ok(id, 'denied: the agent asked for a name that is not listed (407, not-listed)')
  }
  return problem(
    id,
    `a name that is not listed was ${decision.verdict} (${decision.reason}, seen: ${seen}), and not refused as such`,
    'the policy lets too much through: git diff proxy/squid.conf; ./claude.ts stop until it is mended',
  )
}

export function judgeAllowed({ name, seen, decision }: Trial, rehearsal: boolean): Check {
  const id = 'live-allowed'
  const answered = /^answered (\d+)/.exec(seen)?.[1]
  if (decision?.verdict === 'allowed' && answered) {
    return ok(id, `allowed: the gateway reached ${name}, which is listed (HTTP ${answered})`)
  }
  if (decision?.reason === 'unresolved') {
    const message = `not proven: ${name} is listed, and the proxy's DNS does not know it`
    // The scripted model needs no internet.
    if (rehearsal) return note(id, message, 'the scripted model of the demo does not need it')
    return warning(id, message, 'is this host online? PROXY_DNS in .env names another DNS')
  }
  if (decision?.verdict === 'allowed') {
    return warning(
      id,
      `${name} was let through, and did not answer as it should (${seen})`,
      'tls: set EXTRA_CA_CERTS where your network inspects TLS, and look at the clock; otherwise look at the network',
    )
  }
  if (decision) {
    return problem(
      id,
      `the proxy refuses ${name} to the gateway: ${decision.reason}`,
      'no session can work: git diff proxy/squid.conf',
    )
  }
  return problem(
    id,
    `the proxy did not answer the gateway (${seen || 'nothing seen'})`,
    './claude.ts logs proxy; ./claude.ts stop, then start',
  )
}

function dateOf(seen: string) {
  const time = Date.parse(/^answered \d+ (.+)$/.exec(seen)?.[1] ?? '')
  return Number.isNaN(time) ? null : time
}
