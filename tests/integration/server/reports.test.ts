import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { startServer, storedToken, token } from './fixture.ts'
import { startRunning } from './running.ts'

t.test('metrics count runs and requests, of the own tenant alone', async t => {
  const { run, ask } = await startRunning(t, {
    tenants: [{ name: 'main' }, { name: 'other' }],
    tokens: [
      storedToken('default', token),
      storedToken('stranger', 'cs_stranger', { tenant: 'other' }),
      storedToken('prometheus', 'cs_prometheus', { modes: ['metrics'] }),
    ],
  })
  await run({ prompt: 'x', workspace: 'a' })
  await ask('/status', { bearer: 'cs_stranger' })
  const metrics = async (bearer: string) => (await ask('/metrics', { bearer })).text
  const own = await metrics(token)
  t.match(
    own,
    /^claude_secure_runs_total\{status="succeeded",tenant="main",token="default",surface="api"\} 1$/m,
  )
  t.match(
    own,
    /^claude_secure_run_cost_usd_total\{tenant="main",token="default",surface="api"\} 0\.1$/m,
  )
  t.match(own, /^claude_secure_runs_in_progress\{tenant="main"\} 0$/m)
  t.match(own, /^claude_secure_http_requests_total\{method="POST",route="\/run",status="200",/m)
  t.match(own, /^claude_secure_http_request_seconds_count\{route="\/run",tenant="main"\} 1$/m)
  t.match(own, /^process_resident_memory_bytes \d+$/m)
  t.notMatch(own, /stranger|"other"/)
  t.notMatch(await metrics('cs_stranger'), /"main"|default/)
  const whole = await metrics('cs_prometheus')
  t.match(whole, /tenant="main"/)
  t.match(whole, /tenant="other"/)
  t.match(whole, /request_seconds_count\{route="\/status",tenant="other"\} 1$/m)
  t.match(await ask('/status', { bearer: 'cs_prometheus' }), { status: 403 })
})

t.test('usage is that of the tenant', async t => {
  const usageFolder = mkdtempSync(join(tmpdir(), 'server-usage-'))
  t.teardown(() => rmSync(usageFolder, { recursive: true }))
  const entry = (model: string) => ({
    meter: '0123456789abcdef',
    model,
    ...{ requests: 2, errors: 0, broken: 0, uncounted: 0, unpriced: 0, webSearches: 0 },
    ...{ input: 10, output: 20, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 },
    ...{ costUsd: 1.5, estimatedUsd: 1.5 },
  })
  for (const [tenant, model] of [
    ['main', 'claude-main'],
    ['other', 'claude-other'],
  ]) {
    mkdirSync(join(usageFolder, tenant ?? ''))
    const totals = { version: 1, generation: 0, entries: [entry(model ?? '')] }
    writeFileSync(join(usageFolder, tenant ?? '', '2026-11-28.json'), JSON.stringify(totals))
    writeFileSync(join(usageFolder, tenant ?? '', '2026-01-01.json'), JSON.stringify(totals))
  }
  const { ask } = await startRunning(t, {
    usageFolder,
    now: () => new Date('2026-11-28T12:00:00Z'),
    spent: () => ({ usd: 0.5, tokens: 30 }),
    tenants: [{ name: 'main', budget: { usdPerDay: 4 } } as { name: string }],
  })
  const { status, body, text } = await ask('/usage')
  t.equal(status, 200)
  t.match(body, {
    tenant: 'main',
    days: [{ day: '2026-11-28', costUsd: 1.5, models: [{ model: 'claude-main' }] }],
    total: { requests: 2, input: 10, output: 20 },
    today: { day: '2026-11-28', budgetUsd: 4, leftUsd: 2.5 },
    token: { name: 'default', today: { usd: 0.5, tokens: 30 } },
  })
  t.notMatch(text, /claude-other/)
  t.match((await ask('/usage?days=400')).body.days, { length: 2 })
  for (const days of ['0', '401', 'x', '1.5']) {
    t.match(await ask(`/usage?days=${days}`), { status: 422 }, days)
  }
})

t.test('the document and the page describe every route and load nothing', async t => {
  const { ask } = await startServer(t)
  const { status, body } = await ask('/openapi.json')
  t.match({ status, body }, { status: 200, body: { openapi: '3.1.0' } })
  const { schema } = body.paths['/run'].post.requestBody.content['application/json']
  t.same(schema.required, ['prompt'])
  t.equal(schema.properties.async.type, 'boolean')
  t.same(schema.properties.effort.enum, ['low', 'medium', 'high', 'xhigh', 'max'])
  t.match(schema.properties, { prompt: {}, jsonSchema: { type: 'object' }, maxBudgetUsd: {} })
  t.match(body.paths['/health'].get, { security: [] })
  for (const path of Object.keys(body.paths).filter(path => !path.includes('{'))) {
    const known = await ask(path, { method: 'PATCH' })
    t.equal(known.status, 405, `${path} is a route`)
  }

  const page = await ask('/docs')
  t.match(page, { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' } })
  t.match(page.headers['content-security-policy'], /^default-src 'none'; style-src 'sha256-/)
  t.notMatch(page.text, /<script|<img|<link|src=|href=|@import|url\(/)
  t.match(page.text, /<code>\/run\/events<\/code>/)
})
