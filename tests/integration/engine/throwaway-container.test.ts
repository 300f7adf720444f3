import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { checkoutRoot } from '../../../src/config/paths.ts'
import { runThrowaway, withCreatedContainer } from '../../../src/engine/throwaway-container.ts'
import { fakeProgram } from '../../support/docker/fake-docker.ts'

/** A docker that writes down what it is asked, one argument a line, and fails at `failing`. */
async function client(t: Test, failing = 'nothing') {
  const calls = join(t.testdir(), 'calls')
  const folder = await fakeProgram(
    t,
    'docker',
    `printf '%s\\n' "$@" -- >> ${calls}
case $1 in ${failing}) echo 'it \x1b[2Jcannot' >&2; exit 1 ;; create) echo abc ;; esac`,
  )
  const read = async () =>
    (await readFile(calls, 'utf8')).split('--\n').map(call => call.split('\n').filter(Boolean))
  return {
    docker: {
      kind: 'docker' as const,
      file: join(folder, 'docker'),
      env: { PATH: '/usr/bin:/bin' },
    },
    read,
  }
}

const job = {
  image: 'sha256:1',
  user: '1000:1000',
  mounts: [{ volume: 'v', target: '/home/claude' }],
  command: ['/bin/x', '-e', 'a b'] as const,
  purpose: 'forgetting',
  timeout: 10_000,
}

t.test(
  'a program for a volume runs as its owner, without network and as confined as a service',
  async t => {
    const { docker, read } = await client(t)
    await runThrowaway(docker, { ...job, command: [...job.command] })
    const [call = []] = await read()
    const after = (option: string) => call[call.indexOf(option) + 1]
    t.equal(after('--network'), 'none')
    t.equal(after('--user'), '1000:1000')
    t.equal(after('--cap-drop'), 'ALL')
    t.equal(after('--security-opt'), 'no-new-privileges')
    t.equal(after('--pull'), 'never')
    t.equal(after('--memory'), after('--memory-swap'))
    t.ok(Number(after('--pids-limit')) > 0)
    t.equal(after('--label'), 'claude-secure.throw-away=1')
    t.equal(after('--mount'), 'type=volume,source=v,target=/home/claude')
    for (const option of ['--read-only', '--rm', '--init']) t.ok(call.includes(option), option)
    t.same(call.slice(call.indexOf('--entrypoint')), [
      ...['--entrypoint', '/bin/x', 'sha256:1', '-e', 'a b'],
    ])
  },
)

t.test(
  'a failing program is named by its purpose, without control characters, and is removed',
  async t => {
    const { docker, read } = await client(t, 'run')
    await t.rejects(runThrowaway(docker, { ...job, command: [...job.command] }), {
      message: /^forgetting failed: it [^\x1b]*cannot$/,
    })
    const calls = await read()
    const name = calls[0]?.[calls[0].indexOf('--name') + 1]
    t.match(name, /^claude-secure-once-[0-9a-f]{12}$/)
    t.same(calls[1], ['rm', '--force', '--volumes', name])
  },
)

t.test(
  'a container for reading is never started, has read-only volumes, and is removed',
  async t => {
    const { docker, read } = await client(t)
    const options = { image: 'sha256:1', mounts: job.mounts, purpose: 'looking' }
    t.equal(await withCreatedContainer(docker, options, async id => id), 'abc')
    await t.rejects(
      withCreatedContainer(docker, options, async () => {
        throw new Error('body')
      }),
      { message: 'body' },
    )
    const calls = await read()
    t.same(calls.map(([verb]) => verb).filter(Boolean), ['create', 'rm', 'create', 'rm'])
    t.match(calls[0], /target=\/home\/claude,readonly,volume-nocopy/)
    const failing = await client(t, 'create')
    await t.rejects(
      withCreatedContainer(failing.docker, options, async () => 1),
      {
        message: /^looking failed/,
      },
    )
  },
)

t.test('every container that is started for one program is hardened in this one place', async t => {
  const source = join(checkoutRoot(), 'src')
  const files = (await readdir(source, { recursive: true })).filter(name => name.endsWith('.ts'))
  const starting: string[] = []
  for (const name of files) {
    const text = await readFile(join(source, name), 'utf8')
    if (!/'--entrypoint'|--entrypoint=/.test(text)) continue
    starting.push(name)
    t.match(text, /\.\.\.(?:hardened|confined)\b/, name)
    t.notMatch(text, /'--privileged'|--network=host/, name)
  }
  t.ok(starting.length > 5, 'the files are found')
})
