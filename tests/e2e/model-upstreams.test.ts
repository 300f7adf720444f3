import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { aws, google, hosts } from '../support/cloud-apis/secrets.ts'
import { must, run, until } from '../support/stack/process.ts'
import { attachInternet, createTestStack, writeSettings } from '../support/stack/test-stack.ts'

/** The private network of a company, beyond the proxy; other lanes may have theirs. */
const base = `10.211.${80 + Number(process.env.TEST_LANE ?? 0)}`
const corp = { range: `${base}.0/29`, model: `${base}.5`, proxy: `${base}.6` }

const stack = await createTestStack(t, {
  block: 2,
  start: false,
  zone: { [hosts.private]: [[corp.model]] },
})
const network = {
  EXTRA_CA_CERTS: stack.internet.authority,
  EXTERNAL_SUBNET: stack.internet.subnet,
  PROXY_DNS: stack.internet.dns,
}
const keyFile = join(stack.checkout, '../google-key.json')
t.teardown(() => rm(keyFile, { force: true }))

/** Starts the stack with an upstream, and lets the real Claude Code call a tool and answer through it. */
async function converse(t: Test, settings: Record<string, string>) {
  await stack.internet.detach()
  await writeSettings(stack.checkout, { ...network, ...settings })
  const started = await stack.cli(['start', '--detach'])
  t.equal(started.code, 0, started.stderr)
  await attachInternet(stack)
  const prompt = '[[bash echo through-the-tool]]'
  const answer = await stack.inside(['claude', '-p', prompt, '--dangerously-skip-permissions'], {
    timeout: 600_000,
  })
  t.equal(answer.code, 0, answer.stderr + answer.stdout)
  t.match(answer.stdout, 'through-the-tool')
  return { started, requests: await stack.internet.modelRequests() }
}

/** What the proxy decides when the agent asks for a name. */
async function decided(name: string) {
  const script = `exec 3<>/dev/tcp/proxy/3128; printf 'CONNECT ${name}:443 HTTP/1.1\\r\\nHost: ${name}:443\\r\\n\\r\\n' >&3; timeout 60 cat <&3`
  return (await stack.inside(['bash', '-c', script])).stdout
}

/** No description, environment or log of any service has one of the secrets. */
async function holdsNoSecret(t: Test, secrets: RegExp) {
  for (const service of ['claude', 'gateway', 'proxy']) {
    const name = stack.container(service)
    t.notMatch(await must('docker', ['inspect', name]), secrets, `docker inspect of ${service}`)
    t.notMatch(await must('docker', ['logs', name]), secrets, `log of ${service}`)
  }
  const script = 'cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n"; true'
  const { stdout } = await stack.inside(['bash', '-c', script])
  t.match(stdout, 'placeholder')
  t.notMatch(stdout, secrets)
}

const secrets = new RegExp(
  [
    aws.secretAccessKey,
    aws.sessionToken,
    'SENTINELcompany',
    'PRIVATE KEY',
    google.accessToken,
  ].join('|'),
)

t.test("a company's gateway: below its path, with its bearer token", async t => {
  const { started, requests } = await converse(t, {
    ANTHROPIC_BASE_URL: `https://${hosts.company}`,
    ANTHROPIC_AUTH_TOKEN: 'SENTINELcompanytoken00',
  })
  t.match(started.stderr, `the gateway sends prompts to https://${hosts.company}`)
  t.ok(requests.length >= 2)
  for (const { host, rawHeaders } of requests) {
    t.equal(host, hosts.company)
    t.match(rawHeaders.join('\n'), 'Bearer SENTINELcompanytoken00')
  }
  t.match(await decided(hosts.company), /is not on the allowlist/, 'the agent cannot reach it')
  await holdsNoSecret(t, secrets)
})

t.test("a company's gateway in a private network needs the range in words", async t => {
  const name = `${stack.stack}-corp`
  const proxy = stack.container('proxy')
  await must('docker', ['network', 'create', '--internal', '--subnet', corp.range, name])
  t.teardown(async () => {
    for (const one of [stack.internet.modelContainer(), proxy]) {
      await run('docker', ['network', 'disconnect', '--force', name, one])
    }
    await run('docker', ['network', 'rm', name])
  })
  const settings = {
    ANTHROPIC_BASE_URL: `https://${hosts.private}`,
    ANTHROPIC_AUTH_TOKEN: 'SENTINELcompanytoken00',
  }
  const ask = () => stack.inside(['claude', '-p', 'hello'], { timeout: 600_000 })
  const start = async (more: Record<string, string>) => {
    await stack.internet.detach()
    await writeSettings(stack.checkout, { ...network, ...settings, ...more })
    const started = await stack.cli(['start', '--detach'])
    await attachInternet(stack)
    const model = stack.internet.modelContainer()
    await must('docker', ['network', 'connect', '--ip', corp.model, name, model])
    await run('docker', ['network', 'connect', '--ip', corp.proxy, name, proxy])
    return started
  }
  t.equal((await start({})).code, 0)
  t.match((await ask()).stdout, /resolves to a private or reserved address.*UPSTREAM_PRIVATE/)
  const wrong = await start({ UPSTREAM_PRIVATE: '169.254.169.254/32' })
  t.equal(wrong.code, 1)
  t.match(wrong.stderr, /UPSTREAM_PRIVATE 169\.254\.169\.254\/32 is not a private IPv4 network/)

  const { code, stderr } = await start({ UPSTREAM_PRIVATE: corp.range })
  t.equal(code, 0, stderr)
  t.match(stderr, `UPSTREAM_PRIVATE lets the gateway reach that name in ${corp.range}`)
  t.match((await stack.cli(['status'])).stdout, `lets the gateway reach this name in ${corp.range}`)
  await stack.internet.forgetModelRequests()
  const answer = await ask()
  t.equal(answer.code, 0, answer.stdout + answer.stderr)
  t.ok((await stack.internet.modelRequests()).every(({ host }) => host === hosts.private))
  t.match(await decided(hosts.private), /is not on the allowlist/, 'the agent cannot reach it')
})

t.test('Amazon Bedrock: signed requests, streams, tools and costs', async t => {
  await stack.internet.forgetModelRequests()
  const { requests } = await converse(t, {
    CLAUDE_CODE_USE_BEDROCK: '1',
    AWS_REGION: aws.region,
    AWS_ACCESS_KEY_ID: aws.accessKeyId,
    AWS_SECRET_ACCESS_KEY: aws.secretAccessKey,
    AWS_SESSION_TOKEN: aws.sessionToken,
    BUDGET_USD_PER_DAY: '5',
  })
  const streams = requests.filter(({ path }) => path.endsWith('/invoke-with-response-stream'))
  t.ok(streams.length >= 2)
  for (const { host, path } of requests) {
    t.equal(host, hosts.bedrock)
    t.match(path, /^\/model\/us\.anthropic\.claude-[^/]+\/[a-z-]+$/)
  }
  t.match(await decided(hosts.bedrock), /is not on the allowlist/)
  await holdsNoSecret(t, secrets)
  const usage = await until('the counts of the day', async () => {
    const { total } = JSON.parse((await stack.cli(['usage', '--json'])).stdout)
    return total.requests >= 4 && total
  })
  t.match(usage, { unpriced: 0, uncounted: 0 })
  t.ok(usage.costUsd > 0)
  const audit = JSON.parse(
    (await stack.cli(['audit', '--json', '--probe', 'N15', 'S1', 'H4'])).stdout,
  )
  const probes = audit.probes.filter(({ id }: { id: string }) => ['N15', 'S1', 'H4'].includes(id))
  t.equal(probes.length, 3)
  for (const probe of probes) t.equal(probe.verdict, 'held', JSON.stringify(probe))
})

t.test('Google Vertex AI: a token for the service account', async t => {
  await stack.internet.forgetModelRequests()
  const account = {
    type: 'service_account',
    client_email: google.clientEmail,
    private_key: google.privateKey,
    token_uri: `https://${hosts.tokens}/token`,
  }
  await writeFile(keyFile, JSON.stringify(account), { mode: 0o600 })
  const { requests } = await converse(t, {
    CLAUDE_CODE_USE_VERTEX: '1',
    CLOUD_ML_REGION: google.region,
    ANTHROPIC_VERTEX_PROJECT_ID: google.project,
    GOOGLE_APPLICATION_CREDENTIALS: keyFile,
  })
  t.same([...new Set(requests.map(({ host }) => host))].sort(), [hosts.tokens, hosts.vertex].sort())
  t.equal(requests.filter(({ path }) => path === '/token').length, 1)
  t.ok(requests.filter(({ path }) => path.endsWith('streamRawPredict')).length >= 2)
  for (const name of [hosts.vertex, hosts.tokens]) {
    t.match(await decided(name), /is not on the allowlist/)
  }
  await holdsNoSecret(t, secrets)
})
