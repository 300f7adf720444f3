import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeStack } from '../tests/support/stack/test-stack.ts'

const prefix = 'claude-secure-bench-'

/** Makes the folder that holds all files of this run, and thus the state of its stacks; named for the process. */
export function makeBenchFolder(): string {
  const folder = join(tmpdir(), `${prefix}${process.pid}`)
  mkdirSync(folder, { mode: 0o755 })
  return folder
}

/** Removes what killed runs left: their containers, networks, volumes and files. */
export async function removeLeftovers(place = tmpdir(), remove = removeStack): Promise<string[]> {
  const removed: string[] = []
  for (const name of readdirSync(place).filter(name => name.startsWith(prefix))) {
    const pid = name.slice(prefix.length)
    if (!/^\d+$/.test(pid) || existsSync(`/proc/${pid}`)) continue
    for (const stack of stacksBelow(join(place, name))) {
      await remove(stack)
      removed.push(stack)
    }
    rmSync(join(place, name), { recursive: true, force: true })
  }
  return removed
}

/** Each stack has a state folder before it has a container. */
function stacksBelow(folder: string): string[] {
  return readdirSync(folder)
    .map(name => join(folder, name, 'claude-secure/stacks'))
    .filter(path => existsSync(path))
    .flatMap(path => readdirSync(path))
    .filter(name => name.startsWith('claude-secure-'))
}

/** Ends the commands that are being measured: a start that goes on would bring back what is removed. */
export async function endChildren(): Promise<void> {
  const deadline = Date.now() + 15_000
  for (const pid of children()) process.kill(pid, 'SIGTERM')
  while (children().length > 0 && Date.now() < deadline) await sleep(50)
}

function children(): number[] {
  try {
    return readdirSync('/proc/self/task')
      .flatMap(task => readFileSync(`/proc/self/task/${task}/children`, 'utf8').split(' '))
      .map(Number)
      .filter(pid => pid > 0)
  } catch {
    // A thread ended meanwhile, or the kernel does not list children.
    return []
  }
}
