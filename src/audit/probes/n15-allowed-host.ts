import { setTimeout as sleep } from 'node:timers/promises'
import { serviceOfEgress } from '../../stack/services.ts'
import { type Attempt, attemptAll, connectTo, firstLine, list, reached } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { goodRequest, hostileRequests, type Sent } from '../gateway-requests.ts'
import { type Check, check, open, type Probe, type Verdict } from '../probe.ts'
import { type Scene, variable } from '../scene.ts'
import { otherNames, type Twin } from '../twin.ts'
import { repositoryChecks } from './n15-repositories.ts'

/** An attacker in the agent with a key of their own can use the model's API as a drop box. */
export const allowedHost: Probe = {
  id: 'N15',
  title: "data sent out through the model's own API",
  attack:
    'reach the API with a foreign key, or make the gateway call something other than the model',
  standards: [standards.networkAccess],
  async run(scene) {
    const parts = await Promise.all([
      names(scene),
      livePage(scene),
      gatewayChecks(scene),
      repositoryChecks(scene),
    ])
    return parts.flat()
  },
}

/** Downgrades to `weak` in login mode: the agent then has these names by design. */
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
        'the agent cannot reach the names of gateway and login',
        seen && through.length === 0,
        through.length > 0 ? `reached: ${list(through)}` : `refused: ${list(foreign)}`,
      ),
    ),
  ]
}

function foreignNames(policy: string): string[] {
  return [...new Set(['api.anthropic.com', ...otherNames(policy).map(name => name.toLowerCase())])]
}

/** Judges the live proxy by the page of its refusal, because no canary answers there. */
async function livePage(scene: Scene): Promise<Check[]> {
  const proxy = scene.inspections.containers.get(serviceOfEgress)
  const sites = (proxy && variable(proxy, 'UPSTREAM_SITES')) || ''
  const repositories = (proxy && variable(proxy, 'GIT_SITES')) || ''
  const hosts = ['api.anthropic.com', ...`${sites} ${repositories}`.split(' ').filter(Boolean)]
  const answers = await Promise.all(
    hosts.map(host => scene.agent.tunnel(connectTo(host), 'nothing', { wait: 5_000 })),
  )
  const refused = (received: string) => /is not on the allowlist|ERR_ACCESS_DENIED/.test(received)
  const open = answers.filter(({ received }) => !refused(received))
  return [
    orWeak(
      scene,
      check(
        'the live proxy refuses the agent the API itself',
        open.length === 0,
        [...open, ...answers].slice(0, 1).map(firstLine).join(''),
      ),
    ),
  ]
}

async function gatewayChecks(scene: Scene): Promise<Check[]> {
  const gateway = scene.inspections.containers.get('gateway')
  if (!gateway) {
    const evidence = 'the stack has no gateway: the agent sends a credential of its own to the API'
    return [open('a gateway stands between the agent and the API', evidence)]
  }
  const upstream = variable(gateway, 'UPSTREAM_URL')
  const proxy = variable(gateway, 'PROXY_URL')
  const rehearsal = upstream === 'http://rehearsal:8788' && proxy === ''
  const stated = scene.stack.upstream || 'https://api.anthropic.com'
  const api = upstream === stated && proxy === 'http://egress:3128'
  return [
    check(
      'the gateway calls the API through the proxy',
      rehearsal || api,
      `UPSTREAM_URL ${upstream}, PROXY_URL ${proxy}`,
    ),
    ...(await throughGateway(await scene.twin())),
  ]
}

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
      'the gateway replaces the placeholder with the real credential',
      placed,
      placed ? 'seen by the canary' : 'not seen by the canary',
    ),
    check(
      'the gateway removes cookies, addresses and other headers of the caller',
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
  ['key', 'a request with a foreign key, or none, does not reach the API'],
  ['route', 'the gateway serves no route but messages'],
  ['form', 'the gateway refuses requests that parsers read differently'],
] as const
