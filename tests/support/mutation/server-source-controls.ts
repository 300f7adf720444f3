import type { SourceControl } from './source-controls.ts'

const unit = 'tests/unit/server'

/** Controls of the server. */
export const serverSourceControls: readonly SourceControl[] = [
  {
    control: 'the gateway asks from which network a placeholder comes',
    file: 'src/gateway/http/app.ts',
    remove: [
      'await refuseOtherNetwork(isFromTenant, identity.caller, request.raw.socket.remoteAddress)',
      '',
    ],
    test: 'tests/integration/gateway/tenants.test.ts',
  },
  {
    control: 'a run is announced from the network of its tenant',
    file: 'src/gateway/http/app.ts',
    remove: [
      'if (caller) await refuseOtherNetwork(isFromTenant, caller, socket.remoteAddress)',
      '',
    ],
    test: 'tests/integration/gateway/tenants.test.ts',
  },
  {
    control: 'the network of a tenant is told by the address of the caller',
    file: 'src/gateway/http/tenant-network.ts',
    remove: ["(await networkOf(tenant))?.check(caller, 'ipv4') ?? false", 'true'],
    test: 'tests/unit/gateway/http/tenant-network.test.ts',
  },
  {
    control: 'a grant of a server lasts 7 days at most',
    file: 'proxy/server-grants',
    remove: ['if (($6 "") > (latest "")) refuse("a grant lasts at most 7 days")', ''],
    test: 'tests/unit/egress/server-grants.test.ts',
  },
  {
    control: 'a grant of a server is for one tenant',
    file: 'proxy/server-grants',
    remove: ['" all-of tenant_" $4 " " id "_name', '" all-of agent " id "_name'],
    test: 'tests/unit/egress/server-grants.test.ts',
  },
  {
    control: 'a grant of a server ends by the clock',
    file: 'proxy/server-grants',
    remove: ['if (($6 "") <= (now "")) next', ''],
    test: 'tests/unit/egress/server-grants.test.ts',
  },
  {
    control: 'no word of the grants of a server becomes another rule',
    file: 'proxy/server-grants',
    remove: ['if (NF != 8 || $1', 'if (NF < 8 || $1'],
    test: 'tests/unit/egress/server-grants.test.ts',
  },
  {
    control: 'the server grants to its own tenants alone',
    file: 'src/tenants/grants.ts',
    remove: ['if (!tenants().includes(tenant)) throw unknownTenant(tenant)', ''],
    test: 'tests/unit/tenants/grants.test.ts',
  },
  {
    control: 'a lock beside the grants holds no edit forever',
    file: 'src/egress/server-grants-file.ts',
    remove: ['if (waited >= patience) return remove', ''],
    test: 'tests/unit/egress/server-grants-file.test.ts',
  },
  {
    control: 'a fire of a schedule is kept before its run starts',
    file: 'src/schedules/scheduler.ts',
    remove: ['Object.assign(stateOf(job), { handled: at.toISOString() })', ''],
    test: 'tests/unit/schedules/scheduler.test.ts',
  },
  {
    control: 'a job has the limits of its token',
    file: 'src/schedules/job-run.ts',
    remove: ['if (found) return found', ''],
    test: 'tests/integration/schedules/schedules.test.ts',
  },
  {
    control: 'serve allow grants below the ceiling alone',
    file: 'src/egress/server-grants.ts',
    remove: ['ceiling.some(site => ', 'ceiling.every(site => '],
    test: 'tests/unit/egress/server-grants.test.ts',
  },
  {
    control: 'a route of the server needs a token unless it says that it is open',
    file: 'src/server/plugins/auth.ts',
    remove: ["modes = ['api'] }", "modes = 'open' }"],
    test: 'tests/integration/server/access.test.ts',
  },
  {
    control: 'the server answers under its own names',
    file: 'src/server/plugins/hosts.ts',
    remove: ['!hosts.has(hostName(host))', 'false'],
    test: 'tests/integration/server/access.test.ts',
  },
  {
    control: 'a page of another origin sends the server nothing',
    file: 'src/server/plugins/hosts.ts',
    remove: ['!origins.has(origin) && !isOwn(origin, host)', 'false'],
    test: 'tests/integration/server/access.test.ts',
  },
  {
    control: 'the ingress closes a connection whose client never reads',
    file: 'src/ingress/relay.ts',
    remove: ['if (to.destroyed || from.destroyed) return', 'if (milliseconds > 0) return'],
    test: 'tests/integration/ingress/relay.test.ts',
  },
  {
    control: 'the large listings of a tenant have a budget of memory',
    file: 'src/server/files/routes.ts',
    remove: ['if (!budget.take(holder, bytes)) {', 'if (bytes < 0) {'],
    test: 'tests/integration/server/files.test.ts',
  },
  {
    control: 'a page of stored events has a bounded size',
    file: 'src/tenants/store/stored-events.ts',
    remove: ['return sum > pageBytes', 'return sum < 0'],
    test: 'tests/server/store/stored-events.test.ts',
  },
  {
    control: 'the end of a connection is the end of each request on it',
    file: 'src/server/plugins/answer-over.ts',
    remove: ["socket.once('close', over)", ''],
    test: 'tests/integration/server/events.test.ts',
  },
  {
    control: 'idle connections make room for others',
    file: 'src/server/plugins/connections.ts',
    remove: ['oldest?.destroy()', ''],
    test: 'tests/integration/server/access.test.ts',
  },
  {
    control: 'open requests of a revoked token end',
    file: 'src/server/plugins/open-requests.ts',
    remove: ['!access.isInForce(request.caller)', 'false'],
    test: 'tests/integration/server/open-requests.test.ts',
  },
  {
    control: 'the events that wait for a reader have a bounded size',
    file: 'src/run/hub.ts',
    remove: ['|| (values.length > 0 && held >= characters)', ''],
    test: 'tests/unit/run/hub.test.ts',
  },
  {
    control: 'large answers that wait for their readers have a bound',
    file: 'src/server/plugins/large-answers.ts',
    remove: ['!budget.take(holder, payload.length)', 'payload.length < 0'],
    test: 'tests/integration/server/large-answers.test.ts',
  },
  {
    control: 'a token and a tenant have a number of open requests',
    file: 'src/server/plugins/open-requests.ts',
    remove: ['!budget.take(holder, 1)', 'limits.openRequests < 0'],
    test: 'tests/integration/server/open-requests.test.ts',
  },
  {
    control: 'the turns of all runs together have a bound',
    file: 'src/run/collect.ts',
    remove: [' || !hasRoom(more)', ''],
    test: 'tests/unit/run/collect.test.ts',
  },
  {
    control: 'a revoked token opens nothing',
    file: 'src/tenants/tokens.ts',
    remove: ['current = load(folder)\n      log(', 'log('],
    test: `${unit}/tokens.test.ts`,
  },
  {
    control: 'JSON has a number of levels',
    file: 'src/server/plugins/json-shape.ts',
    remove: ["if (++level > depth) return 'depth'", ''],
    test: `${unit}/json-shape.test.ts`,
  },
  {
    control: 'a workspace is below the root of its tenant',
    file: 'src/tenants/workspace.ts',
    remove: ["path === '..' || path.startsWith('../')", 'false'],
    test: `${unit}/workspace.test.ts`,
  },
  {
    control: 'a workspace is not a symlink',
    file: 'src/tenants/workspace.ts',
    remove: ['(await realpath(folder).catch(() => null)) === folder', 'true'],
    test: `${unit}/workspace.test.ts`,
  },
  {
    control: 'a token has its own workspaces',
    file: 'src/tenants/workspace.ts',
    remove: ["token.workspaces.includes(path.split('/')[0] ?? '')", 'true'],
    test: `${unit}/workspace.test.ts`,
  },
  {
    control: 'a conversation is open to its own token alone',
    file: 'src/tenants/workspace.ts',
    remove: ['if (first === conversationsFolder) return second === token.name', ''],
    test: `${unit}/workspace.test.ts`,
  },
  {
    control: 'an image is never fetched from an address of a request',
    file: 'src/server/openai/content.ts',
    remove: [
      "if (!data) throw badRequest('an image must be a data: URL with base64', param)",
      "if (!data) return { type: 'text', text: url }",
    ],
    test: `${unit}/openai/parts.test.ts`,
  },
  {
    control: "results of a client's tools belong to the token of their run",
    file: 'src/server/openai/paused-runs.ts',
    remove: ['[tenant.name, token.name, id]', '[tenant.name, id]'],
    test: 'tests/integration/server/openai-tools.test.ts',
  },
  {
    control: "a client that does not bring its tools' results ends its run",
    file: 'src/server/openai/paused-runs.ts',
    remove: ['setTimeout(chat.run.cancel, toolMilliseconds)', 'setTimeout(() => {}, 0)'],
    test: 'tests/integration/server/openai-tools.test.ts',
  },
  {
    control: 'a client that leaves a completion cancels its run',
    file: 'src/server/openai/calls.ts',
    remove: ['else cancelIfAlone()', ''],
    test: 'tests/integration/server/openai.test.ts',
  },
  {
    control: "runs in progress hold a share of their token's budget",
    file: 'src/tenants/run-budget.ts',
    remove: ['reserved.set(name, held + share)', ''],
    test: `${unit}/run-budget.test.ts`,
  },
  {
    control: 'metrics of another tenant are left out',
    file: 'src/server/metrics.ts',
    remove: ['tenant === undefined ? text : linesOf(tenant, text)', 'text'],
    test: 'tests/integration/server/reports.test.ts',
  },
  {
    control: "an answer is not valid when its caller's schema does not end",
    file: 'src/tenants/schema-check.ts',
    remove: ['return `it could not be checked within ${late}`', 'return null'],
    test: `${unit}/schema-check.test.ts`,
  },
]
