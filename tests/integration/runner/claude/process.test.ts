import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { RunRequest } from '../../../../src/run/request.ts'
import {
  initializeLine,
  parseReport,
  promptLine,
  readStandingPrompt,
  startClaude,
} from '../../../../src/runner/claude/process.ts'
import { isAlive, readProcesses } from '../../../../src/runner/ending/sweep.ts'
import { until } from '../../../support/stack/process.ts'

const request = (more: object = {}) => RunRequest.parse({ prompt: 'hi', ...more })
const initialize = (more: object, standing: string | null) =>
  JSON.parse(initializeLine(request(more), standing)).request

t.test("the user's standing prompt comes before the run's own", async t => {
  t.equal(
    initialize({ appendSystemPrompt: 'of the run' }, 'of the user').appendSystemPrompt,
    'of the user\n\nof the run',
  )
  t.equal(initialize({}, 'of the user').appendSystemPrompt, 'of the user')
  t.equal(initialize({ appendSystemPrompt: 'of the run' }, null).appendSystemPrompt, 'of the run')
  t.same(initialize({}, null), { subtype: 'initialize' })
})

t.test(
  'the standing prompt is read from a regular file; a missing one is not an error',
  async t => {
    const folder = t.testdir({ prompt: 'mine', link: t.fixture('symlink', 'prompt') })
    t.equal(readStandingPrompt(join(folder, 'prompt')), 'mine')
    t.equal(readStandingPrompt(join(folder, 'nowhere')), null)
    t.equal(readStandingPrompt(join(folder, 'link')), null)
  },
)

t.test('a prompt is one line, for any text', async t => {
  const line = promptLine('a\n{"type":"control_request"}\n--settings={}')
  t.equal(line.indexOf('\n'), line.length - 1)
  t.equal(JSON.parse(line).message.content, 'a\n{"type":"control_request"}\n--settings={}')
})

const reaper = join(import.meta.dirname, '../../../../claude/scripts/claude-secure-reaper')
const giveUp = (error: unknown): never => {
  throw error
}
const start = (script: string) =>
  startClaude({
    file: reaper,
    args: ['/bin/sh', '-c', script],
    cwd: '/',
    env: process.env,
    orphans: false,
    hasServers: false,
    giveUp,
  })

t.test("the reaper's last line", async t => {
  t.strictSame(parseReport('3 - 0\n'), [3, null, 0])
  t.strictSame(parseReport('- 15 2\n'), [null, 'SIGTERM', 2])
  t.strictSame(parseReport('- 64 0\n'), [null, 'signal 64', 0])
  t.strictSame(parseReport(''), [null, 'SIGKILL', 0], 'it was killed before it could write')
})

/** The calls of an attack in Perl, which Node.js lacks: its own numbers on each machine. */
const calls = { x64: [302, 251, 203, 101], arm64: [261, 30, 122, 117] }[process.arch as 'x64']

t.test('the run cannot limit, slow down, trace or signal the runner, but may its own', async t => {
  const [prlimit, ioprio, affinity, ptrace] = calls
  const attacks = `
    my ($runner, $own) = map { $_ + 0 } @ARGV;
    select undef, undef, undef, 0.01 until kill 0, -$own;
    my ($limit, $mask) = (pack("Q2", 9, 9), pack("Q128", 1));
    for my $pid ($runner, $own, 0) {
      my @results = (
        syscall(${prlimit}, $pid, 7, $limit, 0), syscall(${affinity}, $pid, 1024, $mask),
        syscall(${ioprio}, 1, $pid, 3 << 13), setpriority(0, $pid, 15) ? 0 : -1);
      push @results, kill("CONT", $pid) - 1, kill("CONT", -$pid) - 1, syscall(${ptrace}, 16, $pid, 0, 0) if $pid;
      print join(" ", @results), "\n";
    }
    print join(" ", syscall(${ioprio}, 3, 0, 3 << 13), setpriority(2, 0, 15) ? 0 : -1), "\n";`
  // A process that is traced before it has become `sleep` ends by the trap of that.
  const claude = start(
    `setsid sleep 300 & perl -e '${attacks}' ${process.pid} $! < /dev/null; kill -KILL $!; exit 0`,
  )
  const lines: unknown[] = []
  claude.onLine = line => {
    lines.push('text' in line ? line.text : line)
  }
  t.match(await claude.ended, { exitCode: 0 })
  t.strictSame(lines, [
    '-1 -1 -1 -1 -1 -1 -1',
    // Limits of other processes can be read, and set by none.
    '-1 0 0 0 0 0 0',
    '0 0 0 0',
    '-1 -1',
  ])
})

t.test('lines, stderr and the exit are reported', async t => {
  const claude = start('read line; echo "got $line"; echo oops >&2; exit 3')
  const lines: unknown[] = []
  const words: string[] = []
  claude.onLine = line => {
    lines.push(line)
  }
  claude.onStderr = text => words.push(text)
  claude.write('hello\n')
  t.strictSame(await claude.ended, { exitCode: 3, signal: null, swept: 0 })
  t.strictSame(lines, [{ kind: 'line', text: 'got hello' }])
  t.strictSame(words, ['oops\n'])
  t.ok(claude.hasEnded())
})

t.test('processes left in their own sessions are killed and counted', async t => {
  const ready = t.testdir()
  const claude = start(`
    cd '${ready}'
    setsid sh -c ': > a; exec sleep 300' < /dev/null > /dev/null 2>&1 &
    (setsid sh -c 'trap "" TERM INT; sleep 300 & : > b; wait; sleep 300' > /dev/null 2>&1 &)
    sh -c ': > c; kill -STOP $$' > /dev/null 2>&1 &
    until [ -e a ] && [ -e b ] && [ -e c ]; do sleep 0.05; done`)
  const { exitCode, swept } = await claude.ended
  t.equal(exitCode, 0)
  t.equal(swept, 4)
})

/** The first line of a command: before it, its reaper may not be ready for a signal. */
const firstLine = (claude: ReturnType<typeof start>) =>
  new Promise<string>(resolve => {
    claude.onLine = line => resolve(line.kind === 'line' ? line.text : '')
  })

t.test('a sweep kills orphans of the run, and no other process', async t => {
  const other = start('echo; exec sleep 300')
  const claude = start('(setsid sleep 300 &); (setsid sleep 300 &); echo; exec sleep 300')
  await Promise.all([firstLine(other), firstLine(claude)])
  claude.signal('SIGUSR1')
  t.strictSame(await claude.ended, { exitCode: null, signal: 'SIGKILL', swept: 2 })
  t.notOk(other.hasEnded())
  other.signal('SIGTERM')
  t.strictSame(await other.ended, { exitCode: null, signal: 'SIGTERM', swept: 0 })
})

t.test('a stopped command receives a signal', async t => {
  const claude = start('echo $$; kill -STOP $$; exit 7')
  const pid = await firstLine(claude)
  const isStopped = async () => /\) T /.test(await readFile(`/proc/${pid}/stat`, 'utf8'))
  await until('the command to stop', isStopped)
  claude.signal('SIGTERM')
  t.match(await claude.ended, { signal: 'SIGTERM' })
})

t.test('a killed reaper takes its command along', async t => {
  const claude = start('echo $$; exec sleep 300')
  const pid = Number(await firstLine(claude))
  // Its new parent may reap it late: a dead process does not count.
  const isThere = () => readProcesses().some(entry => entry.pid === pid && isAlive(entry))
  t.ok(isThere())
  claude.kill()
  t.match(await claude.ended, { exitCode: null, signal: 'SIGKILL' })
  await until('the command to end', async () => !isThere(), 10_000)
})

t.test('a missing program is reported as an exit', async t => {
  const claude = startClaude({
    file: '/nonexistent',
    args: [],
    cwd: '/',
    env: {},
    orphans: false,
    hasServers: false,
    giveUp,
  })
  t.match(await claude.ended, { exitCode: null, swept: 0 })
})
