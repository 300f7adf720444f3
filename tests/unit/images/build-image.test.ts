import { chmod, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  buildArguments,
  buildImage,
  buildProblem,
  type ImageBuild,
  parseBuildStep,
} from '../../../src/images/build-image.ts'

const build: ImageBuild = {
  tag: 'claude-secure/claude:abc',
  context: '/context',
  args: { NODE: 'claude-secure/node:def' },
  contexts: { 'claude-code': '/cache/claude' },
  secrets: { 'apt-conf': '/scratch/apt.conf' },
  label: 'claude-secure.checkout=x',
}

t.test('the engine builds by itself, without a registry', async t => {
  const args = buildArguments(build, 'docker', 'default')
  t.same(args.slice(0, 5), ['buildx', 'build', '--builder', 'default', '--load'])
  t.notOk(args.includes('--pull'))
  const text = args.join(' ')
  t.match(text, '--build-arg NODE=claude-secure/node:def')
  t.match(text, '--build-context claude-code=/cache/claude')
  t.match(text, '--secret id=apt-conf,src=/scratch/apt.conf')
  t.equal(args.at(-1), '/context')
  t.notOk(args.includes('--no-cache'))
  t.ok(buildArguments({ ...build, noCache: true }, 'docker', 'default').includes('--no-cache'))
})

t.test('Podman builds with its own command and never pulls', async t => {
  t.same(buildArguments(build, 'podman', '').slice(0, 2), ['build', '--pull=never'])
})

t.test('shows build steps without mount options', async t => {
  t.equal(
    parseBuildStep('#7 [minimal 3/8] RUN --mount=type=secret,id=x apt-get update'),
    '[minimal 3/8] RUN apt-get update',
  )
  t.equal(parseBuildStep('#7 0.123 Get:1 http://mirror.test'), null)
  t.equal(parseBuildStep('#7 DONE 0.1s'), null)
  t.equal(parseBuildStep('#7 [1/2] RUN \u001b[2Jx'), '[1/2] RUN x')
})

const failed = `#5 [2/3] RUN apt-get install nonsense
#5 0.300 Reading package lists...
#5 0.400 E: Unable to locate package nonsense
#5 0.401 trailing words
#5 ERROR: process "/bin/sh -c apt-get install nonsense" did not complete successfully: exit code: 100
------
ERROR: failed to solve: process "/bin/sh -c …" did not complete successfully: exit code: 100
`

t.test('reports a failed build with the output of the failing step', async t => {
  t.equal(buildProblem(failed), 'E: Unable to locate package nonsense')
  t.equal(
    buildProblem('ERROR: failed to solve: no such stage\n'),
    'ERROR: failed to solve: no such stage',
  )
  t.equal(buildProblem(''), 'no output')
})

async function clientThatPrints(t: Test, output: string) {
  const folder = t.testdir({
    output,
    docker: `#!/bin/sh\n[ "$1" = info ] && { echo /var; exit; }\ncat "$(dirname "$0")/output" >&2; exit 1\n`,
  })
  await chmod(join(folder, 'docker'), 0o755)
  const client = {
    kind: 'docker' as const,
    file: join(folder, 'docker'),
    env: { PATH: '/bin:/usr/bin' },
  }
  const logFile = join(folder, 'logs/build.log')
  const run = buildImage(build, { client, builder: 'default', logFile, progress: () => {} })
  return { run, logFile }
}

t.test('keeps the whole output of a failed build in the file that the hint names', async t => {
  const { run, logFile } = await clientThatPrints(t, failed)
  await t.rejects(run, {
    message: 'cannot build claude-secure/claude:abc: E: Unable to locate package nonsense',
    hint: `see the whole output in ${logFile}`,
  })
  t.equal(await readFile(logFile, 'utf8'), failed)
})

t.test("reports a full disk with the engine's folder and its free space", async t => {
  const { run } = await clientThatPrints(t, '#5 ERROR: write /x: no space left on device\n')
  await t.rejects(run, {
    message: /disk of \/var is full \(\d+ MB free\)/,
    hint: /docker system df.*docker builder prune/,
  })
})
