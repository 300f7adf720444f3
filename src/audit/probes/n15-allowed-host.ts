import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAllowlist } from '../../egress/allowlist.ts'
import { type Attempt, attemptAll, list } from '../attempts.ts'
import { type Check, check, open, type Probe, type Verdict } from '../probe.ts'
import { type Scene, variable } from '../scene.ts'
import { standards } from '../standards.ts'
import { connectTo, firstLine, reached } from '../tunnel.ts'
import type { Twin } from '../twin.ts'

/** With a key of their own, an attacker in the agent uses the model's API as a drop box. */
export const allowedHost: Probe = {
  id: 'N15',
  title: "data sent out through the model's own API",
  attack:
    'reach the API with a foreign key, or have the gateway call something else than the model',
  standards: [standards.networkAccess],
  async run(scene) {
    const parts = await Promise.all([names(scene), livePage(scene), gatewayChecks(scene)])
    return parts.flat()
  },
}

/** Downgrades to `weak` while Claude Code logs in by itself: the agent then has these names by design. */
function orWeak(scene: Scene, { verdict, ...rest }: Check): Check {
  if (verdict !== 'open' || scene.stack.credentials !== 'login') return { verdict, ...rest }
  const evidence = `${rest.evidence}. In login mode the agent needs them (docs/security.md)`
  return { ...rest, verdict: 'weak', evidence }
}

async function names(scene: Scene): Promise<Check[]> {
  const twin = await scene.twin()
  const foreign = foreignNames(await scene.policy())
  const attempted = await attemptAll(
    twin,
    foreign.map(
      (host): Attempt => ({ name: host, request: connectTo(host), follow: { hello: host } }),
    ),
  )
  const through = attempted.filter(({ through }) => through).map(({ name }) => name)
  const seen = foreign.some(name => name === 'api.anthropic.com')
  return [
    orWeak(
      scene,
      check(
        'the names of gateway and login are not open to the agent',
        seen && through.length === 0,
        through.length > 0 ? `reached: ${list(through)}` : `refused: ${list(foreign)}`,
      ),
    ),
  ]
}

function foreignNames(policy: string): string[] {
  const always = 'api.anthropic.com'
  try {
    const { gateway, server, login } = parseAllowlist(policy, 'the policy in force')
    const all = [...gateway, ...server, ...login].map(({ name }) => name.replace(/^\./, ''))
    return [...new Set([always, ...all.map(name => name.toLowerCase())])]
  } catch {
    return [always]
  }
}

/** Judges the live proxy, where no canary answers, by the page that comes with a refusal. */
async function livePage(scene: Scene): Promise<Check[]> {
  const answer = await scene.agent.tunnel(connectTo('api.anthropic.com'), 'nothing', {
    wait: 5_000,
  })
  return [
    orWeak(
      scene,
      check(
        'the live proxy refuses the agent the API itself',
        /is not on the allowlist|ERR_ACCESS_DENIED/.test(answer.received),
        firstLine(answer),
      ),
    ),
  ]
}

async function gatewayChecks(scene: Scene): Promise<Check[]> {
  const gateway = scene.inspections.containers.get('gateway')
  if (!gateway) {
    const evidence = 'the stack has no gateway: whatever the agent shows the API is its own'
    return [open('a gateway stands between the agent and the API', evidence)]
  }
  const upstream = variable(gateway, 'UPSTREAM_URL')
  const proxy = variable(gateway, 'PROXY_URL')
  const rehearsal = upstream === 'http://rehearsal:8788' && proxy === ''
  const api = upstream === 'https://api.anthropic.com' && proxy === 'http://egress:3128'
  return [
    check(
      'the gateway calls the API, through the proxy',
      rehearsal || api,
      `UPSTREAM_URL ${upstream}, PROXY_URL ${proxy}`,
    ),
    ...(await throughGateway(await scene.twin())),
  ]
}

type Sent = { name: string; text: string; mark: string }

async function throughGateway(twin: Twin): Promise<Check[]> {
  const { attacker, word, credential } = twin
  const good = goodRequest(credential.placeholder)
  const hostile = hostileRequests(credential.placeholder)
  const send = ({ text }: Sent, wait: number) =>
    attacker.dial('gateway', 8787, { send: text, until: word, wait })
  const [answer, ...answers] = await Promise.all([
    send(good, 10_000),
    ...hostile.map(sent => send(sent, 5_000)),
  ])
  // For requests still on their way through gateway and canary.
  await sleep(300)
  const arrived = (await twin.seen()).flatMap(event => (event.kind === 'data' ? [event.text] : []))
  const own = arrived.filter(text => text.includes(good.mark)).join('\n')
  const passed = hostile.filter(({ mark }, index) => {
    const back = answers[index]
    return arrived.some(text => text.includes(mark)) || (back && reached(back, word))
  })
  const taken = ['cookie', 'x-forwarded-for', 'x-foreign', 'forwarded', 'proxy-authorization']
  const headers = taken.filter(name => new RegExp(`^${name}:`, 'im').test(own))
  const placed = own.includes(credential.secret) && !own.includes(credential.placeholder)
  return [
    check(
      'a request with the placeholder reaches the API',
      reached(answer, word) && own !== '',
      firstLine(answer),
    ),
    check(
      'there it has the real credential, and the placeholder is gone',
      placed,
      placed ? 'seen by the canary' : 'the canary did not see it so',
    ),
    check(
      'cookies, addresses and other headers of the caller stay behind',
      own !== '' && headers.length === 0,
      headers.length > 0 ? `passed: ${list(headers)}` : `not passed: ${list(taken)}`,
    ),
    ...groups.map(([prefix, claim]): Check => {
      const tried = hostile.filter(({ name }) => name.startsWith(prefix))
      const open = passed.filter(({ name }) => name.startsWith(prefix)).map(({ name }) => name)
      const verdict: Verdict = tried.length > 0 && open.length === 0 ? 'held' : 'open'
      const evidence =
        open.length > 0 ? `arrived: ${list(open)}` : `${tried.length} tried, none arrived`
      return { claim, verdict, evidence }
    }),
  ]
}

const groups = [
  ['key', 'a foreign key, or none, gets no request to the API'],
  ['route', 'no route but that of messages is served'],
  ['form', 'requests that parsers read differently get no further'],
] as const

const mark = () => `n15-${randomBytes(8).toString('hex')}`

function goodRequest(placeholder: string): Sent {
  const own = mark()
  const headers = [
    `x-api-key: ${placeholder}`,
    'cookie: a=b',
    'x-forwarded-for: 192.0.2.7',
    'forwarded: for=192.0.2.7',
    'x-foreign: 1',
    'proxy-authorization: Basic eDp4',
  ]
  return { name: 'good', mark: own, text: message(own, { headers }) }
}

/** Builds a message with a mark in its body and in a header that the gateway passes on. */
function message(
  mark: string,
  more: { line?: string; headers?: readonly string[]; body?: string; length?: boolean } = {},
): string {
  const { line = 'POST /v1/messages', headers = [], length = true } = more
  const body = more.body ?? JSON.stringify({ model: 'audit', mark })
  const head = [
    `${line} HTTP/1.1`,
    'host: gateway:8787',
    `user-agent: ${mark}`,
    'content-type: application/json',
    ...headers,
    ...(length ? [`content-length: ${body.length}`] : []),
    'connection: close',
  ]
  return `${head.join('\r\n')}\r\n\r\n${body}`
}

function hostileRequests(placeholder: string): Sent[] {
  const genuine = `x-api-key: ${placeholder}`
  const foreign = `sk-ant-api03-${randomBytes(16).toString('hex')}`
  const make = (name: string, more: Parameters<typeof message>[1]): Sent => {
    const own = mark()
    return { name, mark: own, text: message(own, more) }
  }
  const keys: [string, string[]][] = [
    ['key: none', []],
    ['key: foreign', [`x-api-key: ${foreign}`]],
    ['key: foreign bearer', [`authorization: Bearer ${foreign}`]],
    ['key: foreign beside the placeholder', [genuine, `x-api-key: ${foreign}`]],
    ['key: foreign before the placeholder', [`x-api-key: ${foreign}`, genuine]],
    ['key: foreign bearer beside it', [genuine, `authorization: Bearer ${foreign}`]],
    ['key: basic beside it', [genuine, 'authorization: Basic eDp4']],
    ['key: cut off', [`x-api-key: ${placeholder.slice(0, -1)}`]],
    ['key: longer', [`x-api-key: ${placeholder}x`]],
    ['key: empty', ['x-api-key: ']],
  ]
  const lines = [
    'POST /v1/files',
    'GET /v1/models',
    'GET /v1/messages',
    'PUT /v1/messages',
    'POST //v1/messages',
    'POST /v1/messages/',
    'POST /v1/messages/../files',
    'POST /v1/messages/%2e%2e/files',
    'POST /v1/messages%2f..%2ffiles',
    'POST /v1/messages/batches',
    'POST /v1/messages;x',
    'POST /V1/MESSAGES',
    'POST http://api.anthropic.com/v1/messages',
    'POST /v1/messages?a=%0d%0aX-Foreign:1',
    'POST /v1/messages?a=../../files',
    'POST /v1/messages#x',
    'POST /v1/complete',
    'POST /',
  ]
  const hidden = mark()
  const smuggled = message(hidden, { line: 'POST /v1/files', headers: [genuine] })
  const chunked = 'transfer-encoding: chunked'
  return [
    ...keys.map(([name, headers]) => make(name, { headers })),
    ...lines.map(line => make(`route: ${line}`, { line, headers: [genuine] })),
    make('form: two lengths', { headers: [genuine, 'content-length: 3'] }),
    make('form: length and chunks', { headers: [genuine, chunked], body: '0\r\n\r\n' }),
    make('form: chunks twice', {
      headers: [genuine, chunked, chunked],
      length: false,
      body: '0\r\n\r\n',
    }),
    make('form: an unknown coding', { headers: [genuine, 'transfer-encoding: x'], length: false }),
    make('form: a line folded', { headers: [genuine, 'x-app: a\r\n b: c'] }),
    make('form: a bare CR', { headers: [genuine, 'x-app: a\rx-api-key: b'] }),
    make('form: NUL', { headers: [genuine, 'x-app: a\0b'] }),
    make('form: a large header', { headers: [genuine, `x-app: ${'a'.repeat(64 * 1024)}`] }),
    make('form: a space before the colon', { headers: [genuine, 'content-length : 5'] }),
    {
      name: 'form: a second request behind the first',
      mark: hidden,
      text: message(mark(), {
        headers: [genuine, chunked],
        length: false,
        body: `0\r\n\r\n${smuggled}`,
      }),
    },
  ]
}
