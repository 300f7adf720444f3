import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { createFileStore } from '../../../src/run/store/file-store.ts'
import { folderStack } from '../../../src/stack/identity.ts'
import { resultOf } from '../../support/run/transcript.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'
import { run } from '../../support/stack/process.ts'

const script = await createControlScript(t)
const commands = (await script.run(['--help'])).stdout
  .split('\n')
  .flatMap(line => /^ {2}([a-z][a-z-]+)(?:\|[a-z]+)?(?: [[<].*)? {2,}\S/.exec(line)?.[1] ?? [])

t.test('the six commands stand first, and every command has a help of its own', async t => {
  t.same(commands.slice(0, 6), ['start', 'stop', 'update', 'logs', 'status', 'shell'])
  t.ok(commands.length >= 15, commands.join(' '))
  for (const command of commands) {
    const { code, stdout, stderr } = await script.run([command, '--help'])
    t.equal(code, 0, command)
    t.match(stdout, command === 'help' ? /^Usage: / : new RegExp(`^Usage: claude\\.ts ${command}`))
    t.equal(stderr, '', command)
  }
})

t.test('what the predecessor called otherwise works under its name too', async t => {
  for (const [old, now] of [
    [['--update', '--help'], /^Usage: claude\.ts update/],
    [['auth', '--help'], /^Usage: claude\.ts login\|auth/],
    [['ls', '--help'], /^Usage: claude\.ts list\|ls/],
    [['-V'], /^claude-secure \d/],
  ] as const) {
    t.match(await script.run(old), { code: 0, stdout: now, stderr: '' })
  }
})

t.test('help needs no engine, and no settings', async t => {
  await script.edit(t, '.env', () => 'NONSENSE\n')
  const env = { DOCKER_HOST: 'unix:///nowhere' }
  for (const args of [['--help'], ['start', '--help'], ['--version'], ['completion', 'bash']]) {
    t.equal((await script.run(args, { env })).code, 0, args.join(' '))
  }
})

t.test('wrong usage is told in two lines with exit code 2', async t => {
  const cases = [
    { args: ['strat'], error: /unknown command 'strat'/, hint: /did you mean start/ },
    { args: ['frobnicate'], error: /unknown command 'frobnicate'/, hint: /--help/ },
    { args: ['start', '--detatch'], error: /unknown option '--detatch'/, hint: /--detach/ },
    { args: ['start', 'extra'], error: /too many arguments for 'start'/, hint: /--help/ },
    { args: ['build', '--target', 'huge'], error: /huge.*minimal, full/, hint: /--help/ },
    { args: ['logs', '--lines', 'many'], error: /--lines many/, hint: /--lines 200/ },
    { args: ['completion', 'tcsh'], error: /tcsh.*zsh, bash/, hint: /completion --help/ },
    { args: ['stop', 'x', '--all'], error: /the name of a stack or --all/, hint: /stop --help/ },
  ]
  for (const { args, error, hint } of cases) {
    isTwoLines(t, await script.run(args), { error, hint, code: 2 })
  }
  t.equal((await script.run([])).code, 2, 'no command at all shows the help')
})

t.test('help says so when there is no such command, and which is near', async t => {
  for (const [args, hint] of [
    [['help', 'strat'], /did you mean start\?/],
    [['strat', '--help'], /did you mean start\?/],
    [['help', 'run', 'lost'], /did you mean run list\?/],
    [['help', 'frobnicate'], /\S*\/claude\.ts --help/],
  ] as const) {
    const error = /unknown command (strat|run lost|frobnicate)$/
    isTwoLines(t, await script.run(args), { error, hint, code: 2 })
  }
  for (const [args, usage] of [
    [['help'], /^Usage: claude\.ts <command>/],
    [['help', 'start'], /^Usage: claude\.ts start/],
    [['help', 'auth'], /^Usage: claude\.ts login/],
    [['help', 'run', 'logs'], /^Usage: claude\.ts run logs/],
  ] as const) {
    t.match(await script.run(args), { code: 0, stdout: usage, stderr: '' })
  }
})

t.test('a folder that was removed under the shell is said to be gone', async t => {
  // The test runner's own hook in each Node asks for the folder before we do.
  const command = 'mkdir gone && cd gone && rmdir ../gone && exec env -u NODE_OPTIONS "$1" status'
  const gone = await run('bash', ['-c', command, 'bash', join(script.checkout, 'claude.ts')], {
    env: script.env,
    cwd: script.workspace,
  })
  isTwoLines(t, gone, { error: /the current folder does not exist any more$/, hint: /cd/ })
})

t.test('what a mistyped argument holds does not reach the terminal as it is', async t => {
  const { stderr } = await script.run(['\x1b]0;owned\x07'])
  t.notMatch(stderr, /\x1b|\x07/)
})

t.test('commands that ask questions say what to do without a terminal', async t => {
  for (const command of ['login', 'setup-token']) {
    isTwoLines(t, await script.run([command]), {
      error: new RegExp(`${command} asks questions and needs a terminal`),
      hint: /CLAUDE_CODE_OAUTH_TOKEN or ANTHROPIC_API_KEY into \.env/,
    })
  }
})

t.test('a folder that is more than a project is refused', async t => {
  for (const [cwd, error] of [
    ['/', /\/ holds your whole home folder/],
    ['/etc', /\/etc is part of the operating system/],
  ] as const) {
    isTwoLines(t, await script.run(['start', '--detach'], { cwd }), {
      error,
      hint: /go to the folder of (a|one) project/,
    })
  }
  const env = { WORKSPACE_MODE: 'mount' }
  const { code, stderr } = await script.run(['start', '--detach'], { cwd: script.checkout, env })
  t.equal(code, 1)
  t.match(stderr, /holds claude-secure itself|belongs to root/)
})

/** bash-completion's own function, which the script of the completion library calls. */
/** Completes typed words in a bash without the package bash-completion. */
async function completed(typed: readonly string[], called = join(script.checkout, 'claude.ts')) {
  const program = `eval "$("$1" completion bash)"; shift
type _get_comp_words_by_ref 2>/dev/null
pattern='-F ([^ ]+)'; [[ "$(complete -p "\${1##*/}")" =~ $pattern ]] || exit 3
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 )); "\${BASH_REMATCH[1]}"; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout, stderr, code } = await run(
    'bash',
    ['--norc', '-c', program, 'bash', called, called.split('/').at(-1) ?? '', ...typed],
    { env: script.env, cwd: script.workspace },
  )
  t.equal(code, 0, stderr)
  return stdout.split('\n').filter(Boolean)
}

t.test('completion in bash needs no package, and works for a renamed link', async t => {
  t.match(await completed(['sta']), ['start', 'status'])
  t.same(await completed(['start', '--de']), ['--detach'])
  const link = join(script.workspace, 'my-claude')
  t.teardown(() => rm(link, { force: true }))
  await symlink(join(script.checkout, 'claude.ts'), link)
  t.same(await completed(['status', '--js'], link), ['--json'])
})

t.test('completion suggests models, levels, services, settings and stored runs', async t => {
  t.same(await completed(['run', '--model', 'opusp']), ['opusplan'])
  t.same(await completed(['run', '--model', '=', 'fab']), ['fable'])
  t.same(await completed(['run', '--model', 'opus[']), ['opus\\[1m\\]'])
  t.same(await completed(['run', '--effort', 'x']), ['xhigh'])
  t.same(await completed(['run', 're']), ['result'])
  t.same(await completed(['run', 'su']), [], 'the internal command')
  t.same(await completed(['mcp', 'ad']), ['add'])
  t.same(await completed(['logs', 'ga']), ['gateway'])
  t.same(await completed(['config', '--unset', 'JSON']), ['JSON_KEYS'])
})

t.test('completion suggests the runs of this folder and their sessions', async t => {
  const { name } = folderStack(await realpath(script.workspace))
  const state = join(script.env.XDG_STATE_HOME ?? '', 'claude-secure/stacks', name)
  t.teardown(() => rm(state, { recursive: true, force: true }))
  // Its name is held machine-wide.
  const runId = `00${randomBytes(7).toString('hex')}`
  const log = await createFileStore(join(state, 'runs')).create({
    ...{ runId, workspace: '/workspace', startedAt: '2026-11-21T10:00:00.000Z', prompt: 'hello' },
    ...{ model: null, owner: null, surface: 'cli', idempotencyKey: null, requestDigest: null },
  })
  const result = { ...resultOf('text'), runId }
  await log.finish(result)
  t.same(await completed(['run', 'result', '00']), [runId])
  t.same(await completed(['answer', '']), [runId])
  t.same(await completed(['run', '--resume', '']), [result.sessionId])
})

t.test('a Tab runs nothing of what is typed', async t => {
  const trace = join(script.workspace, 'ran')
  await completed(['run', `$(touch ${trace})`, '`touch ran`', ''])
  await completed([`$(touch ${trace})`])
  t.notOk(existsSync(trace))
})

t.test('the scripts of zsh and fish cover a renamed link and claude.ts', async t => {
  const link = join(script.workspace, 'my-claude')
  t.teardown(() => rm(link, { force: true }))
  await symlink(join(script.checkout, 'claude.ts'), link)
  const of = async (shell: string) =>
    (await run(link, ['completion', shell], { env: script.env, cwd: script.workspace })).stdout
  const zsh = await of('zsh')
  t.match(zsh, /^#compdef my-claude claude\.ts\n/, 'as a file of fpath')
  t.match(zsh, / compdef __my_claude_complete my-claude claude\.ts\n/, 'and evaluated')
  const fish = await of('fish')
  for (const name of ['my-claude', 'claude.ts']) {
    t.match(fish, `complete -c ${name} -f -a '(__my_claude_complete)'\n`)
  }
  t.match(await of('powershell'), 'Register-ArgumentCompleter')
})

t.test('an output that is cut off or full ends the command without a stack trace', async t => {
  const through = (command: string) =>
    run('bash', ['-c', `set -o pipefail; ${command}`, 'bash', join(script.checkout, 'claude.ts')], {
      env: script.env,
      cwd: script.workspace,
    })
  for (let i = 0; i < 5; i++) {
    t.equal((await through('"$1" completion bash | true')).stderr, '')
    t.equal((await through('"$1" --help | head -n 1')).stderr, '')
  }
  isTwoLines(t, await through('"$1" --version > /dev/full'), {
    error: /cannot write the output: ENOSPC/,
    hint: /free space/,
  })
})

t.test('build.ts is the build command', async t => {
  const { code, stdout } = await run(join(script.checkout, 'build.ts'), ['--help'], {
    env: script.env,
    cwd: script.workspace,
  })
  t.equal(code, 0)
  t.match(stdout, /--no-cache[\s\S]*--target[\s\S]*--claude-version/)
})

t.test('--version names both versions, those of package.json and pins.json', async t => {
  const { version } = JSON.parse(await readFile(join(script.checkout, 'package.json'), 'utf8'))
  await writeFile(join(script.workspace, 'package.json'), '{"version":"9.9.9"}')
  t.match((await script.run(['--version'])).stdout, new RegExp(`^claude-secure ${version}\n`))
})
