import { tenantParts } from '../../stack/services.ts'
import { firstLine, list } from '../attempts.ts'
import { standards } from '../audit-report.ts'
import { type Check, check, orUnknown, type Probe } from '../probe.ts'
import { type Scene, variable } from '../scene.ts'

/** With another tenant's placeholder, an agent would spend that tenant's budget under its name. */
export const foreignPlaceholders: Probe = {
  id: 'W3',
  title: "another tenant's placeholder",
  attack: "use another tenant's placeholder from a worker, and look for placeholders at the server",
  standards: [standards.secrets, standards.separation],
  async run(scene) {
    const checks = (scene.tenants ?? []).map(tenant =>
      orUnknown(claimOf(tenant), () => takesNoOther(scene, tenant)),
    )
    return [...(await Promise.all(checks)), eachHasItsOwn(scene)]
  },
}

const claimOf = (tenant: string) =>
  `the gateway takes no placeholder of another tenant from ${tenantParts(tenant).service}`

type Caller = { tenant: string; placeholder: string }

async function takesNoOther(scene: Scene, tenant: string): Promise<Check> {
  const claim = claimOf(tenant)
  const callers = scene.credential?.callers ?? []
  const own = callers.find(caller => caller.tenant === tenant)
  if (!own) throw new Error('the credential file has no placeholder of this tenant')
  const others = callers.filter(caller => caller.tenant !== tenant)
  const [answer, ...answers] = await Promise.all(
    [own, ...others].map(caller => ask(scene, tenant, caller)),
  )
  // The placeholder is taken, and the size refused before anything is sent to the model.
  if (!answer || statusOf(answer) !== 413) {
    throw new Error(`its own placeholder is not taken: ${answer ? firstLine(answer) : 'no answer'}`)
  }
  const taken = others.filter((_, index) => {
    const found = answers[index]
    return !found || statusOf(found) !== 403
  })
  return check(
    claim,
    taken.length === 0,
    taken.length > 0
      ? `it takes that of ${list(taken.map(caller => caller.tenant))}`
      : `refused: ${list(others.map(caller => caller.tenant)) || 'there is one tenant'}`,
  )
}

/** Sends a request that announces more bytes than the gateway takes: one that it accepts costs nothing. */
function ask(scene: Scene, tenant: string, { placeholder }: Caller) {
  const isKey = placeholder.startsWith('sk-ant-api')
  const send = [
    'POST /v1/messages/count_tokens HTTP/1.1',
    'host: gateway:8787',
    isKey ? `x-api-key: ${placeholder}` : `authorization: Bearer ${placeholder}`,
    'content-type: application/json',
    'content-length: 999999999',
    'connection: close',
    '\r\n',
  ].join('\r\n')
  const attacker = scene.attackerIn(tenantParts(tenant).service)
  return attacker.dial('gateway', 8787, { send, until: '\r\n\r\n', wait: 8_000 })
}

function statusOf({ received }: { received: string }): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1] ?? 0)
}

function eachHasItsOwn(scene: Scene): Check {
  const callers = scene.credential?.callers ?? []
  const wrong = [...scene.inspections.containers].flatMap(([service, container]) => {
    const values = (container.Config.Env ?? []).join('\n')
    const held = callers.filter(({ placeholder }) => values.includes(placeholder))
    const foreign = held.filter(({ tenant }) => tenantParts(tenant).service !== service)
    return foreign.map(({ tenant }) => `${service} has that of ${tenant}`)
  })
  const empty = scene.agents.filter(
    name =>
      !variable(scene.service(name), 'ANTHROPIC_API_KEY') &&
      !variable(scene.service(name), 'CLAUDE_CODE_OAUTH_TOKEN'),
  )
  return check(
    'a worker has the placeholder of its tenant, and no other service has one',
    callers.length > 0 && wrong.length === 0 && empty.length === 0,
    list([...wrong, ...empty.map(name => `${name} has none`)]) || `${callers.length} placeholders`,
  )
}
