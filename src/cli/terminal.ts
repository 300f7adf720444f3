import { spawn } from 'node:child_process'

/** Whether a person sits at both ends. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true
}

/** Runs a child on our own input and output, and resolves with its exit status. */
export function runAttached(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  return new Promise<number>((resolve, reject) => {
    const child = spawn(file, args, { cwd: '/', env, stdio: 'inherit' })
    const end = () => child.kill('SIGTERM')
    process.once('SIGTERM', end).once('SIGHUP', end)
    child.once('error', reject)
    child.once('close', code => {
      process.off('SIGTERM', end).off('SIGHUP', end)
      resolve(code ?? 143)
    })
  })
}

/** The terminal's type and colours as `NAME=value`, as far as they are plain names. */
export function terminalVariables(env: { TERM?: string; COLORTERM?: string }): string[] {
  const plain = /^[A-Za-z0-9._+-]{1,40}$/
  const term = env.TERM && plain.test(env.TERM) ? env.TERM : 'xterm-256color'
  const colours = env.COLORTERM && plain.test(env.COLORTERM) ? [`COLORTERM=${env.COLORTERM}`] : []
  return [`TERM=${term}`, ...colours]
}
