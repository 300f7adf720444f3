// exclusive: judges the engine and the machine as a whole
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { must, until } from '../support/stack/process.ts'
import { createTestStack, sentinel, startTestStack } from '../support/stack/test-stack.ts'

const Report = z.object({
  version: z.literal(1),
  findings: z.array(
    z.object({
      id: z.string(),
      group: z.string(),
      severity: z.string(),
      message: z.string(),
      hint: z.string(),
      fixable: z.boolean(),
    }),
  ),
  repairs: z.array(z.object({ what: z.string(), outcome: z.string() })).optional(),
})

const stack = await createTestStack(t, { start: false })
const policy = join(stack.checkout, 'proxy/squid.conf')
const shipped = await readFile(policy, 'utf8')

async function doctor(...args: string[]) {
  const { code, stdout, stderr } = await stack.cli(['doctor', '--json', ...args])
  const report = Report.parse(JSON.parse(stdout))
  const found = (id: string) => report.findings.find(finding => finding.id === id)
  return { code, stdout, stderr, report, found }
}

t.test('without a stack nothing is proven, and no problem is reported', async t => {
  const { code, found } = await doctor()
  t.match(found('live'), { severity: 'note', hint: /start --detach/ })
  t.equal(code, 0)
  await startTestStack(stack)
})

t.test('one request is let through and one is refused, each for its own reason', async t => {
  const { code, stdout, stderr, found, report } = await doctor()
  t.match(found('live-allowed'), {
    severity: 'ok',
    message: /reached the listed api\.anthropic\.com.*HTTP/,
  })
  t.match(found('live-denied'), { severity: 'ok', message: /407, not-listed/ })
  t.match(found('clock'), { severity: 'ok', message: /the model's host, the engine/ })
  t.equal(code, 0, JSON.stringify(report.findings.filter(({ severity }) => severity === 'refusal')))
  t.match(found('credential'), {
    severity: 'ok',
    message: 'ANTHROPIC_API_KEY from .env: API key, readable by the gateway alone',
  })
  t.notMatch(stdout + stderr, sentinel.slice(13, 30), 'of the key only its kind is said')
  const asked = (await stack.internet.modelRequests()).map(({ path }) => path)
  t.same(
    asked.filter(path => path !== '/'),
    [],
    'the proof asks the model nothing',
  )
})

t.test('checks the confinement of containers from inside one', async t => {
  const { found } = await doctor()
  t.match(found('limits'), { severity: 'ok', message: /memory, processes and CPU are enforced/ })
  t.match(found('seccomp'), { severity: 'ok', message: /seen from inside/ })
  t.match(found('landlock')?.severity, /^(ok|note)$/)
  await until('the container to be gone', async () => {
    const left = await must('docker', ['ps', '--all', '--format', '{{.Names}}'])
    return !left.includes('claude-secure-doctor-')
  })
})

t.test('--fix closes what others can read, --dry-run only says so, no content changes', async t => {
  const file = join(stack.checkout, '.env')
  const text = await readFile(file, 'utf8')
  const mode = async () => (await stat(file)).mode & 0o777
  await chmod(file, 0o644)
  const what = `chmod 600 ${file}`
  t.match((await doctor()).found('env-file'), { severity: 'warning', hint: what, fixable: true })
  const dry = await doctor('--fix', '--dry-run')
  t.match(dry.report.repairs, [{ what, outcome: 'would be done' }])
  t.equal(await mode(), 0o644)
  const fixed = await doctor('--fix')
  t.ok(fixed.report.repairs?.some(repair => repair.what === what && repair.outcome === 'done'))
  t.match(fixed.found('env-file'), { severity: 'ok' }, 'it has looked again')
  t.equal(await mode(), 0o600)
  t.equal(await readFile(file, 'utf8'), text)
  t.equal(await readFile(policy, 'utf8'), shipped)
})

/** Runs doctor until a changed policy is in force and it says what is expected. */
const untilFound = (id: string, severity: string) =>
  until(`${id} to be ${severity}`, async () => {
    const result = await doctor()
    return result.found(id)?.severity === severity ? result : null
  })

t.test('a proxy that lets everything through is a problem', async t => {
  await writeFile(policy, shipped.replace(/^http_access /m, 'http_access allow all\n$&'))
  const { code, found } = await untilFound('live-denied', 'refusal')
  t.equal(code, 1)
  t.match(found('live-denied')?.message, /an unlisted name was .* instead of denied as not-listed/)
  t.match(found('live-denied')?.hint, /^run \S*\/claude\.ts stop: the policy allows too much/)
  await writeFile(policy, shipped)
  await untilFound('live-denied', 'ok')
})

t.test('a proxy that refuses the model to the gateway is a problem', async t => {
  await writeFile(
    policy,
    shipped.replace(/^http_access /m, 'http_access deny services refused_name\n$&'),
  )
  const refused = await untilFound('live-allowed', 'refusal')
  t.equal(refused.code, 1)
  t.match(refused.found('live-allowed')?.message, /refuses api\.anthropic\.com to the gateway/)
  await writeFile(policy, shipped)
  await untilFound('live-allowed', 'ok')
})

t.test('an unresolvable name is not tested, and not reported as a refusal', async t => {
  await writeFile(policy, shipped.replace(/^(acl gateway_sites .*) \S+$/m, '$1 nowhere.test'))
  const { found, code } = await untilFound('live-allowed', 'warning')
  t.match(found('live-allowed'), {
    message: /not tested: .* nowhere\.test/,
    hint: /online/,
  })
  t.equal(code, 0)
  await writeFile(policy, shipped)
  await untilFound('live-allowed', 'ok')
})

t.test('a dead proxy is a problem, not a proof that everything is refused', async t => {
  await must('docker', ['stop', stack.container('proxy')])
  const { code, found } = await doctor()
  t.equal(code, 1)
  t.match(found('live'), { severity: 'refusal', message: /proxy is not running/ })
  t.equal(found('live-denied'), undefined)
})
