import { join } from 'node:path'
import t from 'tap'
import { fakeDocker } from '../../support/docker/fake-docker.ts'
import { goodEngine, startFakeEngine } from '../../support/docker/fake-engine.ts'
import { createControlScript, isTwoLines } from '../../support/stack/control-script.ts'
import { run } from '../../support/stack/process.ts'

const script = await createControlScript(t)
const env = { DOCKER_HOST: 'unix:///nowhere' }

/** Where the prompt was taken, the next thing is an engine, which is not there. */
const taken = { error: /no container engine answers/, hint: /setup/ }

t.test('wrong usage is told before anything is looked for', async t => {
  for (const [args, error] of [
    [['run'], /no prompt was given/],
    [['run', ' \n'], /no prompt was given/],
    [['run', 'x', '--prompt-file', 'y'], /a prompt and --prompt-file were given/],
    [['run', '--prompt-file', '/dev/null'], /not a regular file/],
    [['run', 'x', '--model=-x'], /--model -x: must be the name of a model/],
    [['run', 'x', '--timeout', 'soon'], /--timeout soon/],
    [['run', 'x', '--modle', 'y'], /unknown option '--modle'/],
    [['run', '--settings={}'], /unknown option '--settings=\{\}'/],
    [['run', 'cancel'], /no run id was given/],
    [['run', 'cancel', 'x', '--all'], /an id and --all/],
    [['run', 'result', 'nonsense'], /there is no run nonsense/],
    [['run', 'logs', '../../x'], /there is no run/],
  ] as const) {
    isTwoLines(t, await script.run(args, { env }), { error, hint: /\S/, code: 2 })
  }
})

t.test(
  'an argument, a pipe, a file or nothing: each is waited for as long as it should',
  async t => {
    const shell = (command: string) =>
      run('bash', ['-c', command, 'bash', join(script.checkout, 'claude.ts')], {
        env: { ...script.env, ...env },
        cwd: script.workspace,
      })
    for (const command of [
      '"$1" run x < /dev/null',
      '"$1" run x <&-',
      'echo x | "$1" run',
      '"$1" run < "$1"',
      '"$1" "fix the test" < /dev/null',
      '"$1" -p x < /dev/null',
      '"$1" run -- --help < /dev/null',
      '"$1" run -- list < /dev/null',
    ]) {
      isTwoLines(t, await shell(command), taken)
    }
    const writer = 'exec 3< <(exec sleep 600 2> /dev/null); '
    const open = await shell(`${writer} "$1" run x <&3; s=$?; kill $!; exit $s`)
    t.match(open.stderr, /no input on stdin within 3 s; continuing without it/)
    isTwoLines(t, open, taken)
    isTwoLines(t, await shell('"$1" run < /dev/null'), {
      error: /no prompt was given/,
      hint: /pipe/,
      code: 2,
    })
    isTwoLines(t, await shell('head -c 10485761 /dev/zero | tr "\\0" x | "$1" run'), {
      error: /longer than 10 MiB/,
      hint: /file/,
      code: 2,
    })
  },
)

t.test('no run yet is an empty list, and told in words where one is wanted', async t => {
  t.match(await script.run(['run', 'list', '--json'], { env }), { code: 0, stdout: '[]\n' })
  const none = await script.run(['run', 'list'], { env })
  t.match(none, { code: 0, stdout: '', stderr: /^there are no stored runs of this folder; .*\n$/ })
  isTwoLines(t, await script.run(['run', 'result'], { env }), {
    error: /there are no stored runs of this folder/,
    hint: /run "…"/,
  })
})

t.test('a quiet run prints no steps while it starts the worker', async t => {
  const docker = await fakeDocker(t, { cases: `'image ls'*) ;; 'context show') echo default ;;` })
  const cold = {
    DOCKER_HOST: await startFakeEngine(t, goodEngine),
    PATH: `${docker}:${script.env.PATH}`,
    CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-test',
    // Pulled instead of built, and the client refuses to.
    BASE_IMAGE: 'debian:13',
  }
  const loud = await script.run(['run', 'x'], { env: cold })
  t.match(loud.stderr, / …$/m, 'the start has steps')
  const quiet = await script.run(['run', '-q', 'x'], { env: cold })
  t.notMatch(quiet.stderr, / …$/m)
  t.match(quiet.stderr, /^error: cannot pull/m)
  t.equal(quiet.code, loud.code)
})
