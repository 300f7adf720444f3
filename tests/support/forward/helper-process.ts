import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import type { Test } from 'tap'
import type { ExecDuplex } from '../../../src/engine/container-exec.ts'
import { childProgram } from '../child-program.ts'
import { repository } from '../stack/checkout.ts'

/** The program of the container's side, for `startHelper`. */
export const helperProgram = (t: Test) =>
  childProgram(t, `import ${JSON.stringify(join(repository, 'src/stack/inside/forward.ts'))}`)

/** Runs the program here: its loopback is the test's. */
export function startHelper(
  t: Test,
  program: string,
  ports: readonly number[],
): ExecDuplex & { kill: () => void } {
  const child = spawn(process.execPath, [program, ...ports.map(String)], {
    cwd: repository,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  child.stdin.on('error', () => {})
  const stream = new Duplex({
    read: () => void child.stdout.resume(),
    write: (chunk, _encoding, done) => void child.stdin.write(chunk, done),
    destroy(error, done) {
      child.stdin.end()
      done(error)
    },
  })
  child.stdout.on('data', chunk => {
    if (!stream.push(chunk)) child.stdout.pause()
  })
  once(child, 'close').then(() => stream.destroy())
  return { stream, stderr: () => stderr, kill: () => child.kill('SIGKILL') }
}
