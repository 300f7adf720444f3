import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createStackApart } from '../../support/chaos/apart-stack.ts'
import { createDice, rounds } from '../../support/chaos/dice.ts'
import { isLocked, resourcesOf } from '../../support/chaos/resources.ts'
import { temporaryFolder } from '../../support/stack/checkout.ts'
import { must, run } from '../../support/stack/process.ts'
import { attachInternet, owner, writeSettings } from '../../support/stack/test-stack.ts'

const dice = createDice(t)
// Ten stacks take every subnet that an engine has to give: this one is shared with nobody.
const { stack } = await createStackApart(t)
const ten = Array.from({ length: 10 }, (_, i) => i)
const program = join(stack.checkout, 'claude.ts')

t.test('ten starts at once in one folder: one stack, and all of them succeed', async t => {
  const outcomes = await Promise.all(ten.map(() => stack.cli(['start', '--detach'])))
  for (const { code, stderr } of outcomes) t.equal(code, 0, stderr)
  const starters = outcomes.filter(({ stderr }) => /starting proxy, gateway/.test(stderr))
  t.equal(starters.length, 1, 'one of them started it, the others found it up')
  await attachInternet(stack)
  await stack.aftermath(t)
  await stack.internet.detach()
  t.equal((await stack.cli(['stop'])).code, 0)
})

/** Runs claude.ts in a process group of its own, and kills all of it on the way. */
function killedAfter(milliseconds: number, args: readonly string[]) {
  return new Promise<void>(resolve => {
    const { workspace: cwd, env } = stack
    const child = spawn(program, args, { cwd, env, detached: true, stdio: 'ignore' })
    child.once('close', () => resolve())
    const { pid } = child
    void sleep(milliseconds).then(() => {
      if (pid && child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL')
    })
  })
}

t.test('a start that is killed at any point does not break the next one', async t => {
  for (let round = 0; round < rounds(2); round++) {
    const point = dice.between(50, 2_000)
    t.comment(`${point} ms into the start`)
    await killedAfter(point, ['start', '--detach'])
    t.equal(await isLocked(stack.stack), false, 'the lock went with it')
    const { code, stderr } = await stack.cli(['start', '--detach'])
    t.equal(code, 0, stderr)
    await attachInternet(stack)
    await stack.aftermath(t)
    await stack.internet.detach()
    t.equal((await stack.cli(['stop'])).code, 0)
  }
})

t.test('the next stop finishes one that was killed at any point', async t => {
  for (let round = 0; round < rounds(2); round++) {
    t.equal((await stack.cli(['start', '--detach'])).code, 0)
    const point = dice.between(50, 1_500)
    t.comment(`${point} ms into the stop`)
    await killedAfter(point, ['stop'])
    const { code, stderr } = await stack.cli(['stop'])
    t.equal(code, 0, stderr)
    const { containers, networks } = await resourcesOf(stack.stack)
    t.same([containers, networks], [[], []])
  }
})

t.test('stop and start at once: they run one after the other', async t => {
  for (let round = 0; round < rounds(2); round++) {
    const point = dice.between(0, 1_500)
    t.comment(`stop ${point} ms after start`)
    const starting = stack.cli(['start', '--detach'])
    await sleep(point)
    const stopping = stack.cli(['stop'])
    const [started, stopped] = await Promise.all([starting, stopping])
    t.equal(started.code, 0, started.stderr)
    t.equal(stopped.code, 0, stopped.stderr)
    const { containers, networks } = await resourcesOf(stack.stack)
    t.ok(
      (containers.length === 0 && networks.length === 0) ||
        (containers.length === 3 && networks.length === 3),
      'all of it or nothing of it',
    )
    t.equal((await stack.cli(['stop'])).code, 0)
  }
})

t.test('ten starts at once in ten folders: ten separate stacks', async t => {
  const folder = await temporaryFolder(t, 'ten')
  const names = new Set<string>()
  // The subnet that the test network has is one stack's only.
  await writeSettings(stack.checkout, { ANTHROPIC_API_KEY: stack.secret })
  const outcomes = await Promise.all(
    ten.map(async i => {
      const cwd = join(folder, `project-${i}`)
      await mkdir(cwd)
      await must('chown', [`${owner}:${owner}`, cwd])
      const status = JSON.parse(
        (await run(program, ['status', '--json'], { cwd, env: stack.env })).stdout,
      )
      names.add(status.stack)
      const outcome = await run(program, ['start', '--detach'], {
        cwd,
        env: stack.env,
        timeout: 1_200_000,
      })
      return { ...outcome, stack: String(status.stack), cwd }
    }),
  )
  t.equal(names.size, 10)
  for (const { code, stderr, stack: name, cwd } of outcomes) {
    t.equal(code, 0, stderr)
    t.equal((await resourcesOf(name)).containers.length, 3, name)
    t.equal((await run(program, ['stop'], { cwd, env: stack.env })).code, 0)
    const { containers, networks } = await resourcesOf(name)
    t.same([containers, networks], [[], []])
    t.equal(await isLocked(name), false)
  }
})
