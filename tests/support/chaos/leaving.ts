import { type ChildProcess, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../stack/process.ts'
import type { TestStack } from '../stack/test-stack.ts'

export type Leaving = {
  /** How many passes over all ways out are done. */
  passes: () => number
  /** Stops, and says what got through: nothing, if all is well. */
  end: () => Promise<string[]>
}

/** Lets the agent try every way out, without a pause, also in a container that comes back from the dead. */
export async function tryToLeave(t: Test, stack: TestStack): Promise<Leaving> {
  const script = await readFile(join(import.meta.dirname, 'attempts.mjs'), 'utf8')
  const args = ['exec', '--env', 'NODE_OPTIONS=', stack.container('claude'), 'node'].concat([
    '--input-type=module',
    '--eval',
    script,
    stack.internet.dns,
    stack.internet.model,
  ])
  let child: ChildProcess | undefined
  let over = false
  let passes = 0
  const reached = new Set<string>()
  const launch = () => {
    if (over) return
    const attempt = spawn('docker', args, { cwd: '/' })
    child = attempt
    let partial = ''
    attempt.stdout.on('data', chunk => {
      const lines = (partial + chunk).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) {
        if (/^round \d+$/.test(line)) passes += 1
        else if (/reached/.test(line)) reached.add(line)
      }
    })
    attempt.once('close', () => setTimeout(launch, 200))
  }
  const end = async () => {
    over = true
    child?.kill('SIGKILL')
    await stack.inside(['pkill', '-KILL', '-f', 'an open window would let through'])
    return [...reached]
  }
  t.teardown(end)
  launch()
  await until('the agent to try to leave', async () => passes > 0)
  return { passes: () => passes, end }
}
