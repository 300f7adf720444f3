import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { toolNames } from '../../src/run/claude-names.ts'
import { seenPrompts } from '../support/run/seen-prompts.ts'
import { run } from '../support/stack/process.ts'
import { attachInternet, createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { start: false })
const env = { ...stack.env, CLAUDE_ENV_STAGE: 'first value' }
const cli = (args: readonly string[], variables: Record<string, string> = env) =>
  run(join(stack.checkout, 'claude.ts'), args, { cwd: stack.workspace, env: variables })

t.before(async () => {
  const { code, stderr } = await cli(['start', '--detach', '--worker'])
  t.equal(code, 0, stderr)
  await attachInternet(stack)
})

t.test('CLAUDE_ENV_X reaches the run, or the run is refused in words', async t => {
  const gate = '[[bash printenv STAGE > stage; until test -e open; do sleep 0.2; done]]'
  const { stdout: id, code, stderr } = await cli(['run', '--detach', gate])
  t.equal(code, 0, stderr)
  const other = await cli(['run', '--wait', '[[say without it]]'], {
    ...env,
    CLAUDE_ENV_STAGE: 'second value',
  })
  t.match(other, { code: 1, stdout: '' })
  t.match(other.stderr, /error: CLAUDE_ENV_STAGE cannot reach this run: .*in use.*\nhint: {2}end /)
  t.notMatch(other.stderr, /second value/)
  await writeFile(join(stack.workspace, 'open'), '')
  t.equal((await cli(['run', 'result', id.trim(), '--wait'])).code, 0)
  t.equal(await readFile(join(stack.workspace, 'stage'), 'utf8'), 'first value\n')
})

/** The models that a run asked for, request by request. */
async function modelsOf(...args: string[]) {
  await stack.internet.forgetModelRequests()
  const { code, stdout, stderr } = await cli(['run', '--output-format', 'json', ...args])
  t.equal(code, 0, stderr)
  const models = (await seenPrompts(stack)).map(({ model }) => model)
  return { models: [...new Set(models)], session: JSON.parse(stdout).session_id as string }
}

t.test('--model is for one run; the session keeps it only if it is asked to', async t => {
  const fresh = await modelsOf('--no-continue', '[[say ok]]')
  const chosen = await modelsOf('--no-continue', '--model', 'haiku', '[[say ok]]')
  t.match(chosen.models, [/^claude-haiku-/])
  t.notSame(chosen.models, fresh.models)
  const inherited = await modelsOf('--model', 'inherit', '[[say ok]]')
  t.same(inherited, { ...chosen }, 'asked for')
  t.same(await modelsOf('[[say ok]]'), { ...fresh, session: chosen.session })
  await modelsOf('--model', 'haiku', '[[say ok]]')
  const resumed = await modelsOf('--resume', chosen.session, '[[say ok]]')
  t.same(resumed, { ...fresh, session: chosen.session })
})

t.test('a model or tool that Claude Code does not have is refused before any request', async t => {
  for (const [args, error] of [
    [['--model', 'sonet'], /--model sonet is not a model of Claude\nhint: {2}did you mean sonnet/],
    [['--model', 'gpt-5'], /--model gpt-5 is not a model/],
    [['--tools', 'Bash,bash'], /--tools bash is not a tool[\s\S]*did you mean Bash/],
    [['--tools', 'Bash(git:*)'], /is a permission rule/],
    [['--tools', 'mcp__github__search'], /is a tool of an MCP server/],
  ] as const) {
    await stack.internet.forgetModelRequests()
    const { code, stdout, stderr } = await cli(['run', ...args, '[[say ok]]'])
    t.match({ code, stdout }, { code: 2, stdout: '' })
    t.match(stderr, error)
    t.same(await seenPrompts(stack), [])
  }
})

t.test('the list of tools is that of the pinned Claude Code', async t => {
  const offered = async (tools: string) => {
    const options = ['--output-format=stream-json', '--input-format=stream-json', '--verbose']
    const { stdout, stderr } = await stack.inside(
      [
        ...['claude', '-p', '--dangerously-skip-permissions', '--permission-prompt-tool=stdio'],
        ...[...options, `--tools=${tools}`],
      ],
      {
        service: 'worker',
        input: `${JSON.stringify({ type: 'user', message: { role: 'user', content: '[[say ok]]' } })}\n`,
      },
    )
    const init = stdout.split('\n').find(line => line.includes('"subtype":"init"'))
    t.ok(init, stderr)
    return (JSON.parse(init ?? '{}').tools as string[]).toSorted()
  }
  // Claude Code names the tool Agent by its former name.
  const named = toolNames.filter(name => name !== 'Agent')
  t.same(await offered(toolNames.join(',')), named.toSorted())
  t.same(await offered('Agent'), ['Task'])
  const known: readonly string[] = toolNames
  t.same(
    (await offered('default')).filter(name => !known.includes(name)),
    [],
  )
})
