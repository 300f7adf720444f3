import { spawn } from 'node:child_process'

/** Whether a person sits at both ends. */
export function isInteractive(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true
}

/**
 * Gives the terminal to a child process and resolves with its exit status. Ctrl-C belongs to the
 * child: it reaches the session, not us.
 */
export function runInTerminal(
  file: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<number> {
  const ignore = () => {}
  process.on('SIGINT', ignore)
  return new Promise<number>((resolve, reject) => {
    const child = spawn(file, args, { cwd: '/', env, stdio: 'inherit' })
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? (signal === 'SIGHUP' ? 129 : 143)))
    // A closed terminal or `kill` ends the client; the session itself goes on in the container.
    process.once('SIGHUP', () => child.kill('SIGHUP'))
    process.once('SIGTERM', () => child.kill('SIGTERM'))
  }).finally(() => process.off('SIGINT', ignore))
}

/** The terminal's type and colours, as far as they are plain names. */
export function terminalVariables(env: { TERM?: string; COLORTERM?: string }): string[] {
  const plain = /^[A-Za-z0-9._+-]{1,40}$/
  const pairs = [
    ['TERM', env.TERM && plain.test(env.TERM) ? env.TERM : 'xterm-256color'],
    ['COLORTERM', env.COLORTERM && plain.test(env.COLORTERM) ? env.COLORTERM : ''],
  ]
  return pairs
    .filter(([, value]) => value !== '')
    .flatMap(([name, value]) => ['--env', `${name}=${value}`])
}
