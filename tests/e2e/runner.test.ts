import t, { type Test } from 'tap'
import { repetitions } from '../support/soak.ts'
import { until } from '../support/stack/process.ts'
import { openRun } from '../support/stack/run-client.ts'
import { createTestStack } from '../support/stack/test-stack.ts'

const stack = await createTestStack(t, { worker: true })
const container = stack.container('worker')
const worker = (script: string) =>
  stack.inside(['bash', '-c', script], { service: 'worker', timeout: 1_200_000 })
const open = (prompt: string, request: object = {}) => openRun(container, prompt, request)
const run = (prompt: string, request: object = {}) => open(prompt, request).done
const fresh = { session: { kind: 'fresh' } }

type Status = { runs: { runId: string }[]; warm: unknown[]; landlock: boolean }
const status = async (): Promise<Status> =>
  JSON.parse((await worker('claude-secure-run --status')).stdout)

const fields = (line: string) => line.trim().split(/ +/)

/** The processes of the worker, one line each, without the dead helpers that a waiting claude reaps late. */
const processLines = async () => {
  const look = ['ps', '-eo', 'pid=,ppid=,stat=,args=']
  const { stdout } = await stack.inside(look, { service: 'worker' })
  const lines = stdout.split('\n').filter(line => line !== '')
  const claudes = lines.filter(line => /claude --print/.test(line)).map(line => fields(line)[0])
  const isReapedLate = ([, parent, state]: string[]) =>
    /^Z/.test(state ?? '') && claudes.includes(parent)
  return lines.filter(line => !isReapedLate(fields(line)))
}

/** Processes besides init, the runner, and those that wait: none, when all is well. */
const strays = async () => {
  const waiting =
    /docker-init|runner\.js|claude-secure-names|claude-secure-reaper|claude --print|ps -eo pid=/
  return (await processLines()).filter(line => !waiting.test(line))
}

/** What the prompts of this file leave behind, when they can. */
const ofRuns = /sleep 1\d*$|perl -e fork|sh -c (trap|kill)|eval /

const nothingLeft = async (t: Test, what: string) => {
  t.strictSame((await status()).runs, [], `the workspace is free after ${what}`)
  const left = (await strays()).filter(line => ofRuns.test(line))
  t.strictSame(left, [], `nothing of it is left after ${what}`)
  // A claude that starts to wait for the next run asks git for something, and that is soon over.
  let seen: string[] = []
  const quiet = async () => {
    seen = await strays()
    return seen.length === 0
  }
  await until('its helpers', quiet).catch(() => {})
  t.strictSame(seen, [], `nothing is left after ${what}`)
}

/** Children that do not want to end, each in a way of its own. */
const stubborn = [
  'setsid sh -c \'trap "" TERM INT HUP; while :; do sleep 1; done\' &',
  '(setsid sleep 1001 &) ;',
  "perl -e 'fork and exit; use POSIX; POSIX::setsid(); fork and exit; $SIG{TERM} = q(IGNORE); sleep 1002' &",
  "sh -c 'kill -STOP $$' &",
  'sleep 1003',
].join(' ')

/** Whether all of them are there, and each has come so far that it resists. */
const isStubborn = async () => {
  const lines = await strays()
  return [
    / sh -c trap/,
    / sleep 1001$/,
    / perl -e fork/,
    / T\S* +sh -c kill/,
    / sleep 1003$/,
  ].every(child => lines.some(line => child.test(line)))
}
const seesStubborn = () => until('the children', isStubborn)

/**
 * Begins a run, waits until it is known and a moment of its own, and cancels it; some of them when their
 * processes are there.
 */
const cancelScript = `
  const { request } = require("node:http")
  const headers = { authorization: "Bearer " + require("node:fs").readFileSync("/run/claude-secure/token", "utf8") }
  const ask = (path, body, begun = () => {}) => new Promise((resolve, reject) => {
    const sent = request({ socketPath: "/run/claude-secure/runner.sock", method: "POST", path, headers, agent: false }, answer => {
      let text = ""
      begun()
      answer.on("data", more => { text += more }).on("end", () => resolve(text))
    })
    sent.on("error", reject).end(JSON.stringify(body))
  })
  const { readdirSync, readFileSync } = require("node:fs")
  const isSleeper = pid => {
    try { return readFileSync("/proc/" + pid + "/cmdline", "utf8") === "sleep\\x001000\\x00" } catch { return false }
  }
  const pause = time => new Promise(later => setTimeout(later, time))
  ;(async () => {
    let cancelled = 0
    for (let i = 0; i < Number(process.argv[1]); i++) {
      const runId = require("node:crypto").randomBytes(8).toString("hex")
      const prompt = "[[bash setsid sleep 1000 & sleep 1000]]"
      let ended
      await new Promise(begun => {
        ended = ask("/run", { version: 1, runId, workspace: "/workspace", request: { prompt, session: { kind: "fresh" } } }, begun)
      })
      await pause((i * 37) % 700)
      while (i % 25 === 0 && !readdirSync("/proc").some(isSleeper)) await pause(50)
      await ask("/cancel", { runId })
      const last = (await ended).trim().split("\\n").at(-1)
      if (JSON.parse(last).outcome === "cancelled") cancelled++
      else console.error(last)
    }
    console.log("cancelled", cancelled)
  })()`.replaceAll("'", '')

t.test(
  'a prompt of any form goes to Claude Code on stdin, and nothing of it into argv',
  async t => {
    const marker = '--settings={"hooks":{}} MARKER'
    const client = open(`${marker} [[delay 3000]]`, {
      ...fresh,
      systemPrompt: 'SYSTEM-MARKER',
      appendSystemPrompt: 'APPEND-MARKER',
      model: 'haiku',
      effort: 'low',
    })
    const atModel = () => stack.internet.modelRequests()
    const seen = await until('the request', async () =>
      (await atModel()).find(({ body }) => body.includes('MARKER')),
    )
    const { stdout } = await worker(
      'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr "\\0" "\\n"',
    )
    t.match(stdout, '--input-format=stream-json', 'claude is there')
    t.notMatch(stdout, 'MARKER')
    const body = JSON.parse(seen.body)
    t.match(body.model, /haiku/)
    t.match(body.output_config, { effort: 'low' })
    t.match(JSON.stringify(body.system), 'SYSTEM-MARKER\\n\\nAPPEND-MARKER')
    t.match(JSON.stringify(body.messages), JSON.stringify(marker).slice(1, -1))
    const headers = seen.rawHeaders.map(text => text.toLowerCase())
    t.notOk(headers.includes('x-claude-secure-meter'), 'the meter ends at the gateway')
    const { result, ended, started } = await client.done
    t.match(started, { meter: /^[0-9a-f]{16}$/ })
    t.match(result, { is_error: false })
    t.match(ended, { outcome: 'completed', swept: 0 })
    await nothingLeft(t, 'a good end')
  },
)

t.test('the next turn of a session uses the same process, and has its own cost', async t => {
  const first = await run('one [[bash echo $PPID]]', fresh)
  const second = await run('two [[bash echo $PPID]]')
  t.equal(second.started?.warm, true)
  t.equal(second.started?.sessionId, first.started?.sessionId)
  t.match(first.toolResults[0], /^\d+$/)
  t.equal(second.toolResults[0], first.toolResults[0], 'one claude is the parent of both')
  const cost = Number(second.result?.total_cost_usd)
  t.ok(cost > 0 && cost < 1.5 * Number(first.result?.total_cost_usd), `${cost}`)
  // Another process with the same session: costs of the session before it are not the run's.
  const third = await run('three [[say x]]', { maxTurns: 5 })
  t.match(third.started, { warm: false, sessionId: first.started?.sessionId })
  t.ok(Number(third.result?.total_cost_usd) < 0.75 * Number(first.result?.total_cost_usd))
  const asked = (await stack.internet.modelRequests()).at(-1)?.body ?? ''
  t.match(asked, 'two [[bash', 'and it knows what was said')
})

t.test('a fresh session takes a warm process, and sees nothing of another session', async t => {
  await run('PEBBLE [[say x]]', fresh)
  await until('a process that waits', async () => (await status()).warm.length === 2)
  await stack.internet.forgetModelRequests()
  const { started, ended } = await run('who was there? [[say x]]', fresh)
  t.equal(started?.warm, true)
  t.equal(ended?.outcome, 'completed')
  t.notMatch(JSON.stringify(await stack.internet.modelRequests()), 'PEBBLE')
})

t.test('cancel leaves nothing, even if the children resist', async t => {
  const client = open(`[[bash ${stubborn}]]`, fresh)
  await seesStubborn()
  const before = Date.now()
  client.leave()
  const { ended } = await client.done
  t.comment(`ended in ${Date.now() - before} ms`)
  t.match(ended, { outcome: 'cancelled' })
  // At least the two that left the tree of processes; how many of the others Claude Code ends is its own.
  t.ok(Number(ended?.swept) >= 2, `swept ${ended?.swept}`)
  await nothingLeft(t, 'a cancel')
})

t.test('a cancel by id returns once nothing is left', async t => {
  const client = open(`[[bash ${stubborn}]]`, fresh)
  await seesStubborn()
  t.equal((await worker(`claude-secure-run --cancel ${client.runId}`)).stdout, '{"ok":true}\n')
  await nothingLeft(t, 'its answer')
  t.match((await client.done).ended, { outcome: 'cancelled' })
  const again = await worker(`claude-secure-run --cancel ${client.runId}`)
  t.equal(again.code, 1, 'an ended run cancels nothing')
})

t.test('the run’s time is its end', async t => {
  // Its time must be over when its children are there: longer on a machine where they come later.
  for (let timeoutSeconds = 6; ; timeoutSeconds *= 2) {
    const client = open(`[[bash ${stubborn}]]`, { ...fresh, timeoutSeconds })
    const ended = client.done.then(() => 'ended')
    const first = await Promise.race([ended, seesStubborn()])
    t.match((await client.done).ended, { outcome: 'timed-out' })
    await nothingLeft(t, 'its time')
    if (first !== 'ended') break
  }
})

t.test('killing the client ends its run', async t => {
  const client = open(`[[bash ${stubborn}]]`, fresh)
  await seesStubborn()
  client.kill()
  await until('a free workspace', async () => (await status()).runs.length === 0)
  await nothingLeft(t, 'a killed client')
})

/** One grows up to the limit of processes, the others stay below it, busy with forking. */
const storms = {
  growing: 'storm() { storm | storm & }; storm; sleep 1003',
  deaf: 'exec perl -e "\\$SIG{\\$_} = q(IGNORE) for qw(INT TERM HUP CHLD); fork for 1..7; while (1) { fork // 1 or exit }"',
}

for (const [name, script] of Object.entries(storms)) {
  t.test(`a storm of processes (${name}) ends with its run`, async t => {
    const client = open(`[[bash ${script}]]`, fresh)
    let isOver = false
    void client.done.then(() => {
      isOver = true
    })
    // At the limit of processes not even ls can be started.
    await until('a storm', async () => {
      const { code, stdout } = await worker('ls -d /proc/[0-9]* | wc -l')
      return isOver || code !== 0 || Number(stdout) > 100
    })
    client.leave()
    await until('the end', async () => isOver)
    // claude itself can be the victim of the limit of processes.
    t.match((await client.done).ended, { outcome: /cancelled|failed/ })
    await nothingLeft(t, 'a storm')
  })
}

t.test('stopping or killing the reaper does not save the processes of a run', async t => {
  for (const signal of ['STOP', 'KILL']) {
    const client = open(`[[bash ${stubborn}]]`, { ...fresh, model: 'sonnet' })
    await seesStubborn()
    const find = "$(ps -eo pid=,args= | grep '[r]eaper.*' | awk '{print $1}')"
    t.equal((await worker(`kill -${signal} ${find}`)).code, 0)
    client.leave()
    const { ended } = await client.done
    t.ok(ended, `the run has ended after ${signal}`)
    await nothingLeft(t, `SIG${signal} to the reaper`)
  }
})

t.test('background processes of a run end with it, and so does its Claude Code', async t => {
  const { ended, result } = await run('[[bash (setsid sleep 1004 &) ; echo ok]]', fresh)
  t.match(result, { is_error: false })
  t.match(ended, { outcome: 'completed' })
  // Also a helper of Claude Code that was there in this moment.
  t.ok(Number(ended?.swept) >= 1, `swept ${ended?.swept}`)
  await nothingLeft(t, 'a run with a stray')
})

t.test('a run reaches neither the runner nor its token', async t => {
  const { landlock } = await status()
  const { toolResults } = await run(
    '[[bash cat /run/claude-secure/token; kill -0 $(pgrep -f [r]unner.js) && echo SIGNALLED; kill -0 $(pgrep -f [r]eaper | head -1) && echo SIGNALLED; cat /proc/$(pgrep -f [r]unner.js)/environ | head -c 20; touch /home/claude/x && echo WRITTEN; touch /tmp/ok && echo TMP]]',
    fresh,
  )
  const said = toolResults.join('\n')
  t.match(said, 'TMP')
  // What the kernel lacks is told, so that a stack which needs it can refuse.
  t.equal(/[0-9a-f]{64}|PATH=|WRITTEN/.test(said), !landlock, said)
})

t.test('a symlink in place of its temporary folder does not open another folder', async t => {
  const only = { maxTurns: 5 }
  // Seen by the run itself: a process that is started for later puts the folder back. Its output is lost.
  const swap = 'mv $TMPDIR $TMPDIR-away; ln -s /run $TMPDIR; ls -ld $TMPDIR > /workspace/swapped'
  await run(`[[bash ${swap}]]`, only)
  // The folder above is closed to a run that the kernel confines.
  t.equal(
    (await worker('cat /workspace/swapped')).stdout.includes('-> /run'),
    !(await status()).landlock,
  )
  // Again and again: a process that is started for later may put the folder back between the two steps.
  const swapByAnother =
    'cd ~/.tmp; n=$(echo workspace-*); for i in $(seq 20); do mv -T $n away$i; ln -sT /run $n && echo linked && break; done'
  t.match((await worker(swapByAnother)).stdout, 'linked')
  const { toolResults } = await run('[[bash cat /run/claude-secure/token; ls -ld $TMPDIR]]', only)
  const said = toolResults.join()
  t.equal(/[0-9a-f]{64}/.test(said), !(await status()).landlock, said)
  t.match(said, /^drwx/m)
})

t.test('no signal opens a debugger in the runner', async t => {
  const words = 'kill -USR1 $(pgrep -f "[r]unner.js"); sleep 1; curl -sS -m 3 127.0.0.1:9229/json'
  const { code, stderr } = await worker(words)
  t.equal(code, 7, stderr)
  t.strictSame((await status()).runs, [])
})

t.test('a run renames and links from one folder to another', async t => {
  const { toolResults } = await run(
    '[[bash mkdir x y && echo 1 > x/f && perl -e \'rename "x/f", "y/f" or die $!; link "y/f", "x/g" or die $!\' && echo MOVED]]',
    fresh,
  )
  t.equal(toolResults.join(), 'MOVED')
})

t.test('nothing in the worker listens on the network', async t => {
  // 0A is LISTEN; Docker's own resolver at 127.0.0.11 is no process of the worker.
  const { stdout } = await worker('awk \'$4 == "0A" { print $2 }\' /proc/net/tcp /proc/net/tcp6')
  const own = stdout.split('\n').filter(line => line && !line.startsWith('0B00007F:'))
  t.strictSame(own, [])
})

const cancels = repetitions({ short: 20, full: 200 })

t.test('cancelled runs leave nothing behind', async t => {
  const measure = async () => {
    const { stdout } = await worker(`
      pid=$(pgrep -f '[r]unner.js')
      echo $(ls /proc/$pid/fd | wc -l) $(find /tmp -type f | wc -l) $(awk '/Pss_Anon/ {print $2}' /proc/$pid/smaps_rollup)`)
    const [files = 0, temporary = 0, kilobytes = 0] = stdout.trim().split(' ').map(Number)
    return { files, processes: (await processLines()).length, temporary, kilobytes }
  }
  /** A run, and then what waits after each: one process for its session, and one for a new one. */
  const settled = async () => {
    t.match((await run('still there? [[say yes]]', fresh)).result, { result: 'yes' })
    await until('both that wait', async () => (await status()).warm.length === 2)
    await until('their helpers', async () => (await strays()).length === 0)
  }
  const cycles = (count: number) => worker(`node -e '${cancelScript}' ${count}`)
  t.equal((await cycles(10)).stdout.trim(), 'cancelled 10')
  await settled()
  const before = await measure()
  const { stdout, stderr } = await cycles(cancels)
  t.equal(stdout.trim(), `cancelled ${cancels}`, stderr)
  // The next run clears away what is 10 s old: before, it could belong to a claude that is starting.
  await worker("find /tmp ~/.tmp -name 'fswatch-probe-*' -exec touch -h -d '-1 minute' {} +")
  await settled()
  const after = await measure()
  t.ok(after.files <= before.files + 4, `open files ${before.files} → ${after.files}`)
  t.ok(
    after.processes <= before.processes + 2,
    `processes ${before.processes} → ${after.processes}`,
  )
  t.ok(after.temporary <= before.temporary + 5, `files ${before.temporary} → ${after.temporary}`)
  t.ok(after.kilobytes < before.kilobytes + 40_000, `kB ${before.kilobytes} → ${after.kilobytes}`)
  await nothingLeft(t, `${cancels} cancels`)
})

t.test('a stop of the container ends everything in its time', async t => {
  await run('one [[say x]]')
  t.ok((await status()).warm.length > 0)
  const { code } = await stack.cli(['stop'])
  t.equal(code, 0)
})
