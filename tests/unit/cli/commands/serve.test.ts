import t from 'tap'
import { otherPlace, renderServed, renderServerStatus } from '../../../../src/cli/commands/serve.ts'
import { renderTokens, type TokenOptions, token } from '../../../../src/cli/commands/serve-token.ts'
import type { TokenPlace } from '../../../../src/operations/serve/stored-tokens.ts'
import type { ServedStack } from '../../../../src/operations/serve/up.ts'

const served = (place: TokenPlace): ServedStack => ({
  outcome: 'started',
  changed: [],
  url: 'http://127.0.0.1:8080',
  modes: ['api'],
  place,
  tenants: ['main', 'b'],
  workspaces: '/w',
  mode: 'rehearsal',
})
const lines = (place: TokenPlace) => renderServed(served(place), '/opt/cs').split('\n')

t.test('up shows the address, the place of the token, and a request that works', async t => {
  t.same(lines({ kind: 'file', path: '/s/api-token' }), [
    'url         http://127.0.0.1:8080',
    'token       /s/api-token',
    'workspaces  /w (main, b)',
    `try         curl -sS http://127.0.0.1:8080/run -H "Authorization: Bearer $(cat /s/api-token)" -H 'content-type: application/json' -d '{"prompt":"Say hello"}'`,
  ])
})

t.test('up of a server without the API shows no address, token or request', async t => {
  const shown = renderServed(
    { ...served({ kind: 'none' }), url: null, modes: ['schedules'] },
    '/opt/cs',
  )
  t.match(shown, /^workspaces {2}\/w \(main, b\)\nschedules {3}.*schedule list$/)
})

t.test('a path is quoted for the shell', async t => {
  const [, , , request = ''] = lines({ kind: 'file', path: "/my state/o'x $(id)/t" })
  t.match(request, `$(cat '/my state/o'\\''x $(id)/t')`)
})

t.test('the place of each kind of token', async t => {
  t.match(lines({ kind: 'setting' })[1], 'API_TOKEN in /opt/cs/.env or the environment')
  t.match(lines({ kind: 'setting' })[3], '"Authorization: Bearer $API_TOKEN"')
  t.match(lines({ kind: 'added', names: ['a', 'b\x1b[2J'] })[1], /those you added: a, b[^\x1b]*$/)
  t.match(lines({ kind: 'none' })[1], 'none: every program of this host may use the server')
  t.notMatch(lines({ kind: 'none' })[3], 'Authorization')
})

t.test('tokens are listed with their rights, and never with a hash', async t => {
  const text = renderTokens([
    {
      name: 'ci',
      tenant: 'main',
      createdAt: '2026-01-02T03:04:05Z',
      modes: ['api'],
      workspaces: ['app'],
      budget: { usdPerDay: 5, tokensPerDay: 1000 },
      strictStatus: false,
    },
  ])
  t.match(text, /ci +main +api app +\$5, 1000 tokens +2026-01-02/)
})

t.test('a wrong use of serve token is a usage error before anything is opened', async t => {
  const invocation = {} as never
  const wrong: [string, string | undefined, TokenOptions, RegExp][] = [
    ['add', undefined, {}, /^serve token add needs the name of a token$/],
    ['remove', 'x', {}, /^serve token remove is not a command$/],
    ['add', 'x', { mode: ['web'] }, /^--mode web is not one of api, files, openai, mcp, metrics$/],
    ['add', 'x', { usdPerDay: '-1' }, /^--usd-per-day -1 is not a positive number$/],
  ]
  for (const [action, name, options, message] of wrong) {
    await t.rejects(token(action, name, options, invocation), { message, exitCode: 2 })
  }
})

t.test('status names the workers that are held back', async t => {
  const text = renderServerStatus({
    version: 1,
    stack: 'claude-secure-server-main-00000000',
    running: false,
    url: null,
    modes: ['api', 'schedules'],
    tenants: ['main'],
    services: [
      { name: 'worker-main', state: 'restarting', health: 'none', status: 'Restarting (78)' },
    ],
    heldBack: ['worker-main'],
    credentials: 'api-key',
    runs: 0,
    tokens: [{ name: 'default', tenant: 'main' }],
    grants: [{ name: 'a.test', tenant: 'main', until: '2999-01-01T00:00:00Z', by: 'host:alice' }],
  })
  t.match(text, /not running/)
  t.match(text, /modes +api, schedules/)
  t.match(text, /held back +worker-main: run .*serve up/)
  t.match(text, /tokens +default \(main\)/)
  t.match(text, /granted +a\.test to main until 2999-01-01 .* by host:alice/)
})

t.test('up warns when jobs do not work in the folder of CLAUDEBOX_WORKSPACE', async t => {
  const jobs = { modes: ['schedules' as const], workspaces: '/w' }
  const variable = (folder: string) => ({ name: 'CLAUDEBOX_WORKSPACE', folder })
  t.match(
    otherPlace(jobs, variable('/home/ann/app')),
    /below \/w, not in CLAUDEBOX_WORKSPACE=\/home/,
  )
  t.equal(otherPlace(jobs, variable('/w/main/app')), null)
  t.equal(otherPlace(jobs, null), null)
  t.equal(otherPlace({ ...jobs, modes: ['api'] }, variable('/home/ann/app')), null)
})
