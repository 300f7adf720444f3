import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createChaosStack } from '../../support/chaos/chaos-stack.ts'
import { createDice, rounds } from '../../support/chaos/dice.ts'
import { firstProcess, programIn, type Victim } from '../../support/chaos/victims.ts'
import { until } from '../../support/stack/process.ts'

const dice = createDice(t)
const stack = await createChaosStack(t, { worker: true })

/** A tool call that leaves processes in sessions of their own, and is at work when the blow falls. */
const prompt = '[[bash setsid sleep 4241 & (setsid nohup sleep 4242 &) & sleep 4243]]'
const working = /sleep 4243/

const victims: readonly (Victim & { status: 'failed' | 'any' })[] = [
  {
    name: 'the runner',
    kill: programIn('worker', /^node .*runner\.js/),
    restarts: 'worker',
    status: 'failed',
  },
  { name: 'the first process', kill: firstProcess('worker'), restarts: 'worker', status: 'failed' },
  { name: 'Claude Code', kill: programIn('worker', /^\S*claude .*--print/), status: 'failed' },
  {
    name: 'what watches over it',
    kill: programIn('worker', /claude-secure-reaper/),
    status: 'failed',
  },
  {
    name: "the runner's client",
    kill: programIn('worker', /claude-secure-run$/),
    status: 'failed',
  },
  // Nobody is left to say anything.
  { name: 'the control script', kill: async () => {}, status: 'any' },
]

const processes = async () =>
  (await stack.inside(['ps', '-eo', 'args'], { service: 'worker' })).stdout

for (const victim of victims) {
  t.test(`kill -9 in the middle of a run: ${victim.name}`, async t => {
    for (let round = 0; round < rounds(1); round++) {
      const point = dice.between(0, 1_500)
      t.comment(`${point} ms into the tool call`)
      const count = async () =>
        victim.restarts ? Number(await stack.inspect(victim.restarts, '{{.RestartCount}}')) : 0
      const before = await count()
      const script = spawn(join(stack.checkout, 'claude.ts'), ['run', '--no-continue', prompt], {
        cwd: stack.workspace,
        env: stack.env,
        stdio: ['ignore', 'pipe', 'pipe'],
        // So that it can be killed with what started it.
        detached: true,
      })
      let words = ''
      script.stderr.on('data', chunk => {
        words += chunk
      })
      let ended: { code: number | null } | undefined
      script.once('close', code => {
        ended = { code }
      })
      await until('the tool call', async () => working.test(await processes()))
      await sleep(point)
      await victim.kill(stack)
      if (victim.status === 'any') process.kill(-(script.pid ?? 0), 'SIGKILL')
      const { code } = await until('the control script to end', async () => ended)
      t.equal(code, victim.status === 'failed' ? 1 : null, words)
      if (victim.status === 'failed') t.match(words, /^error: .+\nhint: {2}.+\n$/m)
      t.notOk(words.includes(stack.secret))
      if (victim.restarts) {
        await until('the engine to restart it', async () => (await count()) > before)
        await stack.untilHealthy(victim.restarts)
      }
      await until('its processes to be gone', async () => !/sleep 424/.test(await processes()))
      // The runner frees the folder a moment after the last process has ended.
      await until('the folder to be free', async () => {
        const say = ['run', '--no-continue', '--quiet', '[[say free again]]']
        return (await stack.cli(say)).stdout === 'free again\n'
      })
      const list = JSON.parse((await stack.cli(['run', 'list', '--json'])).stdout)
      const blown = (list as { prompt: string; status: string }[]).find(run =>
        working.test(run.prompt),
      )
      t.match(blown?.status, /^(failed|interrupted|cancelled)$/, 'nothing is said to run for ever')
      await stack.aftermath(t)
    }
  })
}

t.test('stop leaves nothing of it', t => stack.stopsClean(t))
