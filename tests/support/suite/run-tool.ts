import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'

/** Runs a program that is not a test; its output is held back, so that parts beside it do not mix in. */
export async function runTool(cwd: string, [file = '', ...args]: readonly string[]) {
  const start = performance.now()
  const child = spawn(file, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  const code = new Promise<number | null>(resolve => {
    child.once('error', () => resolve(null))
    child.once('close', resolve)
  })
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), code])
  return {
    passed: status === 0,
    output: `${stdout}${stderr}`.trimEnd(),
    seconds: (performance.now() - start) / 1000,
  }
}
