import t from 'tap'
import { realKeys } from '../../../../src/audit/key-search.ts'
import { claudeArguments, claudeEnvironment } from '../../../../src/runner/claude/command.ts'

const meter = '0123456789abcdef'
const id = '00000000-0000-4000-8000-000000000000'
const always = [
  '--print',
  '--input-format=stream-json',
  '--output-format=stream-json',
  '--verbose',
  '--include-partial-messages',
  '--dangerously-skip-permissions',
  '--system-prompt-snapshot=off',
]

const cases: [string, Parameters<typeof claudeArguments>[0], string[]][] = [
  ['a fresh session', { session: { kind: 'fresh', id } }, [`--session-id=${id}`]],
  ['a session that goes on', { session: { kind: 'resume', id } }, [`--resume=${id}`]],
  [
    'model and effort',
    { session: { kind: 'fresh', id }, model: 'sonnet[1m]', effort: 'xhigh' },
    [`--session-id=${id}`, '--model=sonnet[1m]', '--effort=xhigh'],
  ],
  ['no tools', { session: { kind: 'fresh', id }, tools: [] }, [`--session-id=${id}`, '--tools=']],
  [
    'tools and limits',
    {
      session: { kind: 'fresh', id },
      tools: ['Bash', 'mcp__a__b'],
      maxTurns: 3,
      maxBudgetUsd: 0.5,
    },
    [`--session-id=${id}`, '--tools=Bash,mcp__a__b', '--max-turns=3', '--max-budget-usd=0.5'],
  ],
]

for (const [what, options, expected] of cases) {
  t.test(`arguments of ${what}`, async t => {
    t.strictSame(claudeArguments(options), [...always, ...expected])
  })
}

t.test('claude gets only the MCP servers that the user allowed', async t => {
  const options = { session: { kind: 'fresh' as const, id } }
  t.strictSame(claudeArguments(options, '/etc/mcp.json').slice(-2), [
    '--mcp-config=/etc/mcp.json',
    '--strict-mcp-config',
  ])
})

t.test('claude gets its own folders and no variable of the runner', async t => {
  const workspace = { path: '/workspaces/a', key: 'a-1', home: '/h/a-1', temporary: '/tmp/a-1' }
  const env = { PATH: '/bin', HOME: '/home/claude', RUNNER_TOKEN_FILE: '/run/t', LANG: 'C.UTF-8' }
  t.strictSame(claudeEnvironment(env, workspace, { meter, signer: null }), {
    PATH: '/bin',
    LANG: 'C.UTF-8',
    PWD: '/workspaces/a',
    HOME: '/h/a-1',
    CLAUDE_CONFIG_DIR: '/h/a-1/.claude',
    TMPDIR: '/tmp/a-1',
    CLAUDE_CODE_TMPDIR: '/tmp/a-1',
    ANTHROPIC_CUSTOM_HEADERS: 'x-claude-secure-meter: 0123456789abcdef',
    CLAUDE_CODE_MAX_RETRIES: '4',
  })
})

t.test('with a key, claude gets a placeholder of its own in place of the stack’s', async t => {
  const workspace = { path: '/w', key: 'a-1', home: '/h/a-1', temporary: '/h/.tmp/a-1' }
  for (const name of ['ANTHROPIC_API_KEY', 'CLAUDE_CODE_OAUTH_TOKEN']) {
    const kind = name === 'ANTHROPIC_API_KEY' ? 'sk-ant-api03-' : 'sk-ant-oat01-'
    const placeholder = `${kind}placeholder-${'p'.repeat(43)}AA`
    const signer = { placeholder, key: 'k'.repeat(43) }
    const environment = (process: string) =>
      claudeEnvironment({ [name]: placeholder }, workspace, { meter: process, signer })
    const own = environment(meter)[name] ?? ''
    t.ok(own.startsWith(`${kind}placeholder-meter-${meter}-`), own)
    t.match(own, /^[\w-]{60,200}$/)
    const other = environment('aaaaaaaaaaaaaaaa')[name] ?? ''
    t.not(own, other)
    t.equal(own.slice(-20), other.slice(-20), 'Claude Code knows a key by these')
    const all = JSON.stringify(environment(meter))
    t.notMatch(all, /ppp|kkk|custom_headers/i)
    t.strictSame(realKeys(own), [], 'the audit knows that it is none')
  }
})

t.test("a JVM uses the run's temporary folder too", async t => {
  const workspace = { path: '/w', key: 'a-1', home: '/h/a-1', temporary: '/h/.tmp/a-1' }
  const env = {
    TMPDIR: '/h/.tmp',
    JAVA_TOOL_OPTIONS: '-Dhttp.proxyPort=1 -Djava.io.tmpdir=/h/.tmp',
  }
  t.match(claudeEnvironment(env, workspace, { meter, signer: null }), {
    TMPDIR: '/h/.tmp/a-1',
    JAVA_TOOL_OPTIONS: '-Dhttp.proxyPort=1 -Djava.io.tmpdir=/h/.tmp/a-1',
  })
  t.notOk(
    'JAVA_TOOL_OPTIONS' in
      claudeEnvironment({ TMPDIR: '/h/.tmp' }, workspace, { meter, signer: null }),
  )
})

t.test('only a run that asks has a host for questions', async t => {
  const session = { kind: 'fresh' as const, id: 'x' }
  const host = ['--permission-prompt-tool=stdio', '--disallowed-tools=EnterPlanMode,ExitPlanMode']
  t.strictSame(
    claudeArguments({ session, asks: true }, null).filter(word => host.includes(word)),
    host,
  )
  t.strictSame(claudeArguments({ session, asks: false }, null), claudeArguments({ session }, null))
  t.notMatch(claudeArguments({ session }, null).join(' '), 'stdio')
})
